import { type Clock, systemClock } from '../core/clock.ts'
import { redactUrl } from '../core/url.ts'
import { onlyKnown, whole, wrongOption } from '../runtime/checks.ts'
import type { FinishedBy, GameRecord } from './records.ts'
import { type Hero, loadHeroes } from './roster.ts'
import { Doors } from './server/doors.ts'
import { Lobbies } from './server/lobbies.ts'
import { Others } from './server/others.ts'
import { Report, type ServerEvents, type ServerTotals } from './server/report.ts'
import { Reporting } from './server/reporting.ts'
import { MemoryState } from './state/memory.ts'
import { RedisState } from './state/redis/redisState.ts'
import type { State } from './state/state.ts'

export interface ServerOptions {
  /** 0 takes a free one. @default 5678 */
  readonly port?: number
  /** @default '127.0.0.1' */
  readonly host?: string
  /** @default our own roster */
  readonly heroes?: readonly Hero[]
  /** Chooses the heroes of the n-th game that is opened. @default 1 */
  readonly seed?: string | number
  /** Pause before each turn is announced, for people who watch. 0 to 60,000 @default 0 */
  readonly turnMs?: number
  /** A player who does not act in this time dies as if it had left. @default 30,000 */
  readonly turnTimeoutMs?: number
  /** A lobby that does not fill in this time is timed out. @default 5,000 */
  readonly lobbyTimeoutMs?: number
  /** Connections at once; one more is closed with 1013. @default 1,000 */
  readonly connectionsMax?: number
  /** Names that may log in. @default 100,000 */
  readonly usersMax?: number
  /** Games at once, in a lobby or running. @default 10,000 */
  readonly gamesMax?: number
  /** Who gets a record of a finished game. @default 'host' */
  readonly finished?: FinishedBy
  /** Every hit also goes to `log` for the stream `combat.events`. @default false */
  readonly events?: boolean
  /**
   * Takes what the server says about the games, where it gives a promise: when that resolves. What
   * it refuses of a finished game is lost, or with a shared state handed over again. @default nobody
   */
  readonly log?: (record: GameRecord) => unknown
  /**
   * Where the games live: `memory`, or `redis://user:password@host:port/database` (`rediss:` for
   * TLS), which any number of servers share. @default 'memory'
   */
  readonly state?: string
  /** How long Redis keeps a game that has ended and is reported. @default 30,000 */
  readonly stateExpiryMs?: number
  /** After this silence a server counts as dead to the others. @default 5,000 */
  readonly stateLeaseMs?: number
  /** Other processes may listen on the same port (Linux, FreeBSD). @default false */
  readonly reusePort?: boolean
  readonly clock?: Clock
}

/** A server that runs. */
export interface GameServer extends AsyncDisposable {
  /** `ws://127.0.0.1:5678` */
  readonly url: string
  readonly port: number
  stats(): ServerStats
  /** Returns the function that takes the listener away again. */
  on<E extends keyof ServerEvents>(event: E, listener: (what: ServerEvents[E]) => void): () => void
  /**
   * Ends the games of its players, a running one with its record, closes every connection with
   * 1001, and the port. Games that others play on a shared state go on.
   */
  close(): Promise<void>
}

export interface ServerStats extends Readonly<ServerTotals> {
  readonly connections: number
  /** Games in a lobby or running, that somebody plays here. */
  readonly games: number
}

const optionNames = [
  ...['port', 'host', 'heroes', 'seed', 'turnMs', 'turnTimeoutMs', 'lobbyTimeoutMs'],
  ...['connectionsMax', 'usersMax', 'gamesMax', 'finished', 'events', 'log', 'clock'],
  ...['state', 'stateExpiryMs', 'stateLeaseMs', 'reusePort'],
]

/**
 * Starts the game server. Resolves when it listens.
 * @throws INVALID_ARGUMENT for an option out of range, INVALID_CONFIG when the port is taken;
 * CLIENT_MISSING, CONNECT_FAILED, LOGIN_REFUSED, UNSUPPORTED (a cluster) for a state in Redis.
 */
export async function startServer(options: ServerOptions = {}): Promise<GameServer> {
  const settings = checked(options)
  const { clock } = settings
  const report = new Report({
    log: settings.log,
    finished: settings.finished,
    hasEvents: settings.events,
    comesAgain: settings.state !== 'memory',
    nowMs: () => clock.wallMs(),
  })
  const state = await openState(settings)
  const reporting = new Reporting({ state, report, clock })
  const lobbies = new Lobbies({ ...settings, state, report, reporting })
  new Others({ state, report, reporting, lobbies })
  const doors = new Doors({ state, lobbies, report, clock }, settings.connectionsMax)
  const { host } = settings
  const port = await doors.listen(settings.port, host, settings.reusePort).catch(async (error) => {
    await state[Symbol.asyncDispose]()
    throw error
  })
  let closing: Promise<void> | null = null
  async function close(): Promise<void> {
    doors.shut()
    await lobbies.close()
    await doors.close()
    await reporting.close()
    await state[Symbol.asyncDispose]()
  }
  const closeOnce = () => (closing ??= close())
  return {
    url: `ws://${host.includes(':') ? `[${host}]` : host}:${port}`,
    port,
    stats: () => ({ ...report.totals, connections: doors.connections, games: lobbies.count }),
    on: (event, listener) => report.on(event, listener),
    close: closeOnce,
    [Symbol.asyncDispose]: closeOnce,
  }
}

function checked(options: ServerOptions) {
  onlyKnown('sim server', options, optionNames)
  const heroes = options.heroes ?? loadHeroes()
  if (heroes.length < 3) throw wrongOption('heroes', 'at least 3 heroes', heroes.length)
  const { finished = 'host' } = options
  if (finished !== 'host' && finished !== 'all')
    throw wrongOption('finished', 'host or all', finished)
  return {
    heroes,
    finished,
    port: whole('port', options.port, 5678, 0, 65_535),
    host: options.host ?? '127.0.0.1',
    seed: options.seed ?? 1,
    turnMs: whole('turnMs', options.turnMs, 0, 0, 60_000),
    turnTimeoutMs: whole('turnTimeoutMs', options.turnTimeoutMs, 30_000, 1, 3_600_000),
    lobbyTimeoutMs: whole('lobbyTimeoutMs', options.lobbyTimeoutMs, 5_000, 1, 3_600_000),
    connectionsMax: whole('connectionsMax', options.connectionsMax, 1_000, 1, 1_000_000),
    usersMax: whole('usersMax', options.usersMax, 100_000, 1),
    gamesMax: whole('gamesMax', options.gamesMax, 10_000, 1),
    events: options.events ?? false,
    log: options.log ?? null,
    clock: options.clock ?? systemClock,
    state: stateOf(options.state ?? 'memory'),
    stateExpiryMs: whole('stateExpiryMs', options.stateExpiryMs, 30_000, 1, 86_400_000),
    stateLeaseMs: whole('stateLeaseMs', options.stateLeaseMs, 5_000, 100, 600_000),
    reusePort: options.reusePort ?? false,
  }
}

/** @throws INVALID_ARGUMENT, with the password hidden. */
function stateOf(state: string): string {
  if (state === 'memory' || /^rediss?:\/\/[^?#]+$/i.test(state)) return state
  throw wrongOption('state', 'memory or redis://host:port without options', redactUrl(state))
}

async function openState(settings: ReturnType<typeof checked>): Promise<State> {
  const { state, stateExpiryMs, stateLeaseMs } = settings
  if (state === 'memory') return new MemoryState(settings)
  const times = { expiryMs: stateExpiryMs, leaseMs: stateLeaseMs }
  return await RedisState.open({ ...settings, ...times, url: state })
}
