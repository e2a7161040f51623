import { once } from 'node:events'
import { createServer, connect as dial, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import type { ChannelSpec, SubscriberSpec } from '../../src/core/channel.ts'
import type { Live, LiveSource, Session } from '../../src/core/driver.ts'
import { randomName } from '../../src/core/ids.ts'
import type { OutgoingMessage } from '../../src/core/message.ts'
import { rabbitmq } from '../../src/drivers/rabbitmq/index.ts'

export const never: AbortSignal = new AbortController().signal
export const silent = { gap: () => {} }

export function channel(over: Partial<ChannelSpec> = {}): ChannelSpec {
  return {
    name: `live-${randomName()}`,
    pattern: 'broadcast',
    via: 'direct',
    leaseMs: 30_000,
    envelope: true,
    payloadBytesMax: 1_000_000,
    dedupeWindowMs: null,
    retention: { ageMs: null, messages: null, bytes: null },
    ...over,
  }
}

export const message = (id: string, over: Partial<OutgoingMessage> = {}): OutgoingMessage => ({
  ...{ id, body: '1', key: null, timeMs: 0, headers: {}, delayMs: 0, redrives: 0, dedupeId: null },
  ...{ type: 't', source: 's' },
  ...over,
})

export const subscriber = (id = 'w'): SubscriberSpec => ({
  worker: { id, incarnation: 'one' },
  leaseMs: 30_000,
  hold: { messages: 1_000_000, bytes: 64 * 1_048_576 },
})

export interface Opened {
  readonly session: Session
  readonly live: Required<Live>
}

/** A session of its own, until the test is over. */
export async function opened(url: string): Promise<Opened> {
  const session = await rabbitmq({ url }).open({ closed: () => {} }, never)
  onTestFinished(() => session[Symbol.asyncDispose]())
  return { session, live: session.live as Required<Live> }
}

/** The ids of the next ones, at least so many. */
export async function take(source: LiveSource, count: number): Promise<string[]> {
  const ids: string[] = []
  while (ids.length < count) {
    const got = await source.receive({ messages: 100_000, bytes: 64 * 1_048_576 }, never)
    ids.push(...got.map(({ id }) => id))
  }
  return ids
}

export interface Line {
  readonly url: string
  /** Nothing of what the server sends gets through any more, on lines that are open now. */
  stall(): void
  resume(): void
}

/** A way to the server that can stand still, as networks do: nobody is told. */
export async function lineTo(url: string, options = ''): Promise<Line> {
  const { hostname, port } = new URL(url)
  const servers: Socket[] = []
  const all: Socket[] = []
  const line = createServer((client) => {
    const server = dial(Number(port), hostname)
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.on('error', () => {}).on('close', () => to.destroy())
      from.pipe(to)
    }
    servers.push(server)
    all.push(client, server)
  })
  line.listen(0, '127.0.0.1')
  await once(line, 'listening')
  onTestFinished(() => {
    for (const one of all) one.destroy()
    line.close()
  })
  const { port: own } = line.address() as { port: number }
  return {
    url: `amqp://127.0.0.1:${own}${options}`,
    stall: () => {
      for (const one of servers) one.unpipe()
      for (const one of servers) one.pause()
    },
    resume: () => {
      const halves = all.flatMap((one, at) => (at % 2 === 0 ? [[one, all[at + 1]]] : []))
      for (const [client, server] of halves) server?.pipe(client as Socket)
    },
  }
}
