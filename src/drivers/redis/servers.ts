import type { NarrowcastError } from '../../core/errors.ts'
import {
  type Address,
  type Argument,
  Connection,
  type ConnectionOptions,
  type MessageListener,
} from './connection.ts'
import type { Script } from './script.ts'

/** Where one channel lives: one server, on a cluster whichever has its slot now. */
export interface Home {
  /** On a cluster messages are published and subscribed by slot: `SPUBLISH`, `SSUBSCRIBE`. */
  readonly isCluster: boolean
  /** Fires when the session has ended; its reason is the error that every call has from then on. */
  readonly ended: AbortSignal
  send<T = unknown>(args: readonly Argument[], operation: string, as?: 'text' | 'bytes'): Promise<T>
  /** Every key must be of this channel. */
  run<T = unknown>(
    script: Script,
    keys: readonly string[],
    args: readonly Argument[],
    operation: string,
    as?: 'text' | 'bytes',
  ): Promise<T>
  /** Resolves when the server has confirmed it. */
  subscribe(channel: string, listener: MessageListener): Promise<void>
  unsubscribe(channel: string, listener: MessageListener): Promise<void>
  /** Ends the session: what was sent and not answered may have been carried out, later too. */
  lose(error: NarrowcastError): void
}

/** The servers behind one URL. */
export interface Servers {
  home(channel: string): Home
  /** Every primary: what is asked of all is asked of each. */
  primaries(): Promise<readonly Connection[]>
  close(): void
}

export interface ServersOptions extends ConnectionOptions {
  readonly addresses: readonly Address[]
}

/** @throws CONNECT_FAILED, LOGIN_REFUSED, CLIENT_MISSING, UNAVAILABLE */
export async function openServers(
  options: ServersOptions,
  ended: (error: NarrowcastError) => void,
  signal: AbortSignal,
): Promise<Servers> {
  const over = new AbortController()
  const lost = (error: NarrowcastError) => {
    over.abort(error)
    ended(error)
  }
  const [address] = options.addresses as [Address]
  const connection = await Connection.open(address, options, lost, signal)
  const home: Home = {
    isCluster: false,
    ended: over.signal,
    send: (args, operation, as) => connection.send(args, operation, as),
    run: (script, keys, args, operation, as) => connection.run(script, keys, args, operation, as),
    subscribe: (channel, listener) => connection.subscribe(channel, listener, false),
    unsubscribe: (channel, listener) => connection.unsubscribe(channel, listener, false),
    lose: (error) => connection.lose(error),
  }
  return {
    home: () => home,
    primaries: async () => [connection],
    close: () => connection.close(),
  }
}
