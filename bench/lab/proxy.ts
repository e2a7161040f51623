import { fork } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ProxyProcess } from '../../src/lab/proxy/proxyProcess.ts'
import { type Figure, figure, inTurns, type Measured, mostTarget, quantileOf } from '../harness.ts'

export const proxySettings = {
  proxyTripsPerSecond: 1_000,
  proxyTrips: 3_000,
  proxyTripBytes: 256,
  proxyMegabytes: 300,
} as const

type Ports = Readonly<Record<'direct' | 'through', number>>

/** What the lab's proxy costs: a round trip through it beside one without, and what goes through. */
export async function measureProxy(
  runs: number,
): Promise<Required<Pick<Measured, 'figures' | 'targets'>>> {
  const peer = fork(join(import.meta.dirname, 'proxyPeerChild.ts'))
  try {
    const [{ echo, sink }] = (await once(peer, 'message')) as [{ echo: number; sink: number }]
    await using proxy = await ProxyProcess.start()
    const through = (name: string, port: number) => proxy.open(name, { host: '127.0.0.1', port })
    const echoes = { direct: echo, through: await through('echo', echo) }
    const sinks = { direct: sink, through: await through('sink', sink) }
    const [p50, p99] = await tripFigures(runs, echoes)
    const [direct, proxied] = await flowFigures(runs, sinks)
    const got = `${Math.round(proxied.median)} ${proxied.unit}`
    const fast = { what: proxied.what, wanted: '≥ 100 MB/s', got, isMet: proxied.median >= 100 }
    return {
      figures: [p50, p99, direct, proxied],
      targets: [mostTarget(p50, 100), mostTarget(p99, 500), fast],
    }
  } finally {
    peer.kill('SIGKILL')
  }
}

async function tripFigures(runs: number, ports: Ports): Promise<[Figure, Figure]> {
  const [direct, through] = [await dial(ports.direct), await dial(ports.through)]
  await trips(direct, through) // until all is compiled
  const added: { p50: number[]; p99: number[] } = { p50: [], p99: [] }
  for (let run = 0; run < runs; run++) {
    const micros = await trips(direct, through)
    for (const [name, share] of [
      ['p50', 0.5],
      ['p99', 0.99],
    ] as const) {
      added[name].push(quantileOf(micros.through, share) - quantileOf(micros.direct, share))
    }
  }
  direct.destroy()
  through.destroy()
  return [
    figure('proxy: added to a round trip, p50', 'µs', added.p50),
    figure('proxy: added to a round trip, p99', 'µs', added.p99),
  ]
}

/** Pairs of round trips by plan, whose first is the one way and the other way in turns. */
async function trips(direct: Socket, through: Socket): Promise<Record<keyof Ports, number[]>> {
  const { proxyTrips, proxyTripsPerSecond } = proxySettings
  const micros = { direct: [] as number[], through: [] as number[] }
  const startMs = performance.now()
  for (let n = 0; n < proxyTrips; n++) {
    const earlyMs = startMs + (n * 1_000) / proxyTripsPerSecond - performance.now()
    if (earlyMs > 0) await sleep(earlyMs)
    if (n % 2 === 0) micros.direct.push(await trip(direct))
    micros.through.push(await trip(through))
    if (n % 2 === 1) micros.direct.push(await trip(direct))
  }
  return micros
}

const message = Buffer.alloc(proxySettings.proxyTripBytes, 'x')

/** Microseconds until all of a message has come back. */
async function trip(socket: Socket): Promise<number> {
  const startNs = process.hrtime.bigint()
  const { promise, resolve } = Promise.withResolvers<number>()
  let missing = message.length
  const take = (bytes: Buffer) => {
    missing -= bytes.length
    if (missing > 0) return
    socket.off('data', take)
    resolve(Number(process.hrtime.bigint() - startNs) / 1_000)
  }
  socket.on('data', take)
  socket.write(message)
  return await promise
}

async function flowFigures(runs: number, ports: Ports): Promise<[Figure, Figure]> {
  const rates = await inTurns(runs, {
    direct: () => megabytesPerSecond(ports.direct),
    through: () => megabytesPerSecond(ports.through),
  })
  const direct = figure('proxy: bytes without it', 'MB/s', rates.direct)
  return [direct, figure('proxy: bytes through it', 'MB/s', rates.through, { against: direct })]
}

async function megabytesPerSecond(port: number): Promise<number> {
  const socket = await dial(port)
  const megabyte = Buffer.alloc(1_000_000, 'x')
  const startMs = performance.now()
  for (let sent = 0; sent < proxySettings.proxyMegabytes; sent++) {
    if (!socket.write(megabyte)) await once(socket, 'drain')
  }
  socket.end()
  await once(socket, 'data') // the sink has heard the end
  socket.destroy()
  return (proxySettings.proxyMegabytes / (performance.now() - startMs)) * 1_000
}

async function dial(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
  await once(socket, 'connect')
  return socket
}
