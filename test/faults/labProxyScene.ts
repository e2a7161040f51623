import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { expect, onTestFinished } from 'vitest'
import { ProxyProcess } from '../../src/lab/proxy/proxyProcess.ts'

export async function startProxy(): Promise<ProxyProcess> {
  const proxy = await ProxyProcess.start()
  onTestFinished(() => proxy[Symbol.asyncDispose]())
  return proxy
}

const patience = { timeout: 60_000, interval: 5 } as const

/** A connection as a test sees it: what came of it, and how it ended. */
export class Seen {
  readonly socket: Socket
  #text = ''
  #end: 'open' | 'ended' | 'reset' = 'open'

  constructor(socket: Socket) {
    this.socket = socket
    socket.setEncoding('latin1').on('data', (text: string) => {
      this.#text += text
    })
    socket.on('end', () => {
      this.#end = 'ended'
    })
    socket.on('error', (error) => {
      if ((error as NodeJS.ErrnoException).code === 'ECONNRESET') this.#end = 'reset'
    })
  }

  /** All that has come. */
  get text(): string {
    return this.#text
  }

  get end(): 'open' | 'ended' | 'reset' {
    return this.#end
  }

  send(text: string): void {
    this.socket.write(text, 'latin1')
  }

  /** What has come is that, and nothing else. */
  async hears(text: string): Promise<void> {
    await expect.poll(() => this.#text, patience).toBe(text)
  }

  async ends(how: 'ended' | 'reset'): Promise<void> {
    await expect.poll(() => this.#end, patience).toBe(how)
  }
}

export interface Peer {
  readonly port: number
  /** The connections that came, in their order. */
  readonly links: readonly Seen[]
  /** Resolves with the connection that comes next. */
  next(): Promise<Seen>
}

/** A server of the test's own, that says nothing by itself. */
export async function startPeer(): Promise<Peer> {
  const links: Seen[] = []
  const server = createServer({ allowHalfOpen: true }, (socket) => links.push(new Seen(socket)))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => {
    for (const { socket } of links) socket.destroy()
    server.close()
  })
  return {
    port: (server.address() as AddressInfo).port,
    links,
    async next() {
      const before = links.length
      await expect.poll(() => links.length, patience).toBeGreaterThan(before)
      return links[before] as Seen
    },
  }
}

/** A connection to that port of this machine. */
export async function dial(port: number): Promise<Seen> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  const seen = new Seen(socket)
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  return seen
}

/** With what a connection to that port broke. */
export async function failure(port: number): Promise<string | undefined> {
  const socket = connect({ port, host: '127.0.0.1' })
  onTestFinished(() => void socket.destroy())
  const [error] = (await once(socket.resume(), 'error')) as [NodeJS.ErrnoException]
  return error.code
}

/** Both ends of a connection through the proxy. */
export interface Pair {
  readonly actor: Seen
  readonly broker: Seen
}

/** A proxy before a server of the test's own. */
export interface Scene {
  readonly proxy: ProxyProcess
  readonly peer: Peer
  /** The port with the name `w00`, which rules are tried on. */
  readonly port: number
  /** A new connection by way of that port. */
  link(): Promise<Pair>
  /** Resolves when what was sent before, on other connections, has had its time to pass. */
  passTime(): Promise<void>
}

export async function startScene(): Promise<Scene> {
  const [proxy, peer] = await Promise.all([startProxy(), startPeer()])
  const upstream = { host: '127.0.0.1', port: peer.port }
  const link = async (port: number) => {
    const coming = peer.next()
    const actor = await dial(port)
    return { actor, broker: await coming }
  }
  const port = await proxy.open('w00', upstream)
  const other = await proxy.open('w01', upstream)
  return {
    proxy,
    peer,
    port,
    link: () => link(port),
    async passTime() {
      const { actor, broker } = await link(other)
      actor.send('there')
      await broker.hears('there')
      broker.send('back')
      await actor.hears('back')
    },
  }
}
