import type { NarrowcastError } from '../../core/errors.ts'
import type { Address } from '../_shared/serverPlace.ts'
import { Cluster } from './cluster.ts'
import { type ConnectionOptions, placeOf } from './connectClient.ts'
import { type Argument, Connection, type MessageListener } from './connection.ts'
import { closedError, redisError } from './redisErrors.ts'
import type { Script } from './script.ts'
import { openGuarded } from './sentinel.ts'
import { checkPrimary, type ServerFacts } from './serverFacts.ts'

/** Where one channel lives: one server, on a cluster whichever has its slot now. */
export interface Home {
  /** On a cluster messages are published and subscribed by slot: `SPUBLISH`, `SSUBSCRIBE`. */
  readonly isCluster: boolean
  /** Keys lie in it; Pub/Sub has none. Always 0 on a cluster. */
  readonly database: number
  /** Fires when the session has ended; its reason is the error that every call has from then on. */
  readonly ended: AbortSignal
  /** What the server has said of itself when it was connected to. */
  facts(): Promise<ServerFacts>
  send<T = unknown>(args: readonly Argument[], operation: string, as?: 'text' | 'bytes'): Promise<T>
  /** Every key must be of this channel. */
  run<T = unknown>(
    script: Script,
    keys: readonly string[],
    args: readonly Argument[],
    operation: string,
    as?: 'text' | 'bytes',
  ): Promise<T>
  /** Resolves when the server has confirmed it. Counted: to the server it is a receiver of its own. */
  subscribe(channel: string, listener: MessageListener, isCounted?: boolean): Promise<void>
  unsubscribe(channel: string, listener: MessageListener): Promise<void>
  /** Ends the session: what was sent and not answered may have been carried out, later too. */
  lose(error: NarrowcastError): void
}

/** What a server has said of itself when it was connected to. */
export interface Told {
  readonly address: Address
  readonly facts: ServerFacts
}

/** The servers behind one URL. */
export interface Servers {
  home(channel: string): Home
  /** Every primary: what is asked of all is asked of each. */
  primaries(): Promise<readonly Connection[]>
  /** Of every primary that answers soon. None is connected to for longer than that. */
  facts(): Promise<readonly Told[]>
  close(): void
}

export interface ServersOptions extends ConnectionOptions {
  readonly addresses: readonly Address[]
  /** The addresses are those of Sentinels, that know the primary under this name. */
  readonly sentinel: string | null
  /** Nothing but a cluster will do. */
  readonly isCluster: boolean
}

/** What the ways of connecting share. */
export interface Opening {
  readonly options: ServersOptions
  /** Ends the opening; what is connected later ends with `over`. */
  readonly signal: AbortSignal
  /** Fires when the session is lost. */
  readonly over: AbortController
  readonly lost: (error: NarrowcastError) => void
  readonly connect: (address: Address) => Promise<Connection>
}

/** @throws CONNECT_FAILED, LOGIN_REFUSED, CLIENT_MISSING, UNAVAILABLE, UNSUPPORTED, INVALID_CONFIG */
export async function openServers(
  options: ServersOptions,
  ended: (error: NarrowcastError) => void,
  signal: AbortSignal,
): Promise<Servers> {
  const over = new AbortController()
  const opened: { servers?: Servers } = {}
  const lost = (error: NarrowcastError) => {
    if (over.signal.aborted) return
    over.abort(error)
    opened.servers?.close()
    ended(error)
  }
  const connect = (address: Address) =>
    Connection.open(address, options, lost, opened.servers ? over.signal : signal)
  const opening: Opening = { options, signal, over, lost, connect }
  const servers = await openBy(opening)
  opened.servers = servers
  return {
    home: (channel) => servers.home(channel),
    primaries: () => servers.primaries(),
    facts: () => servers.facts(),
    close() {
      if (over.signal.aborted) return
      over.abort(closedError('connection'))
      servers.close()
    },
  }
}

async function openBy(opening: Opening): Promise<Servers> {
  const { options, over } = opening
  if (options.sentinel !== null) {
    const { primary, close } = await openGuarded(opening, options.sentinel)
    return single(primary, options, over.signal, close)
  }
  const first = await connectFirst(opening)
  try {
    checkFits(first, options)
    if (first.facts.mode === 'cluster') return await Cluster.open(opening, first)
    checkPrimary(first.address, first.facts)
    return single(first, options, over.signal, () => {})
  } catch (error) {
    first.close()
    throw error
  }
}

/** Any of them will do: the nodes of a cluster know each other. */
async function connectFirst({ options, connect }: Opening): Promise<Connection> {
  const { addresses } = options
  for (const address of addresses.slice(0, -1)) {
    try {
      return await connect(address)
    } catch (error) {
      if ((error as NarrowcastError).code !== 'CONNECT_FAILED') throw error
    }
  }
  return await connect(addresses.at(-1) as Address)
}

/** @throws INVALID_CONFIG */
function checkFits({ address, facts }: Connection, options: ServersOptions): void {
  const place = placeOf(address)
  const refuse = (text: string, hint: string) =>
    redisError('INVALID_CONFIG', 'connect', text, { hint })
  if (facts.mode === 'sentinel') {
    const hint = 'Say which primary it is asked for: redis://HOST:26379?sentinel=NAME.'
    throw refuse(`${place} is a Sentinel, and keeps no data`, hint)
  }
  if (facts.mode === 'cluster') {
    if (options.database === 0) return
    throw refuse(`${place} is of a cluster, which has no database ${options.database}`, 'Use 0.')
  }
  if (options.isCluster) {
    throw refuse(`${place} does not run in cluster mode`, 'Leave cluster=true out of the URL.')
  }
  if (options.addresses.length === 1) return
  const hint = 'Give one host, the nodes of a cluster, or Sentinels: ?sentinel=NAME.'
  throw refuse(`${place} is a server of its own, and the URL names several`, hint)
}

function single(
  connection: Connection,
  { database }: ServersOptions,
  ended: AbortSignal,
  close: () => void,
): Servers {
  const home: Home = {
    isCluster: false,
    database,
    ended,
    facts: async () => connection.facts,
    send: (args, operation, as) => connection.send(args, operation, as),
    run: (script, keys, args, operation, as) => connection.run(script, keys, args, operation, as),
    subscribe: (channel, listener, isCounted) =>
      connection.subscribe(channel, listener, false, isCounted),
    unsubscribe: (channel, listener) => connection.unsubscribe(channel, listener, false),
    lose: (error) => connection.lose(error),
  }
  return {
    home: () => home,
    primaries: async () => [connection],
    facts: async () => [connection],
    close: () => {
      close()
      connection.close()
    },
  }
}
