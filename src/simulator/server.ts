import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { type RawData, type Server as SocketServer, WebSocketServer } from 'ws'
import { type Clock, systemClock } from '../core/clock.ts'
import { NarrowcastError } from '../core/errors.ts'
import { onlyKnown, whole, wrongOption } from '../runtime/checks.ts'
import type { FinishedBy, GameRecord } from './records.ts'
import { type Hero, loadHeroes } from './roster.ts'
import { answers } from './server/answers.ts'
import { Connection, closeTimeoutMs, frameBytesMax, partsMax } from './server/connection.ts'
import { Lobbies } from './server/lobbies.ts'
import { Report, type ServerEvents, type ServerTotals } from './server/report.ts'
import { payloadOf, Refused } from './server/request.ts'
import { action } from './server/routes/action.ts'
import { find } from './server/routes/find.ts'
import { hero } from './server/routes/hero.ts'
import { lobby } from './server/routes/lobby.ts'
import { login } from './server/routes/login.ts'
import type { Context, Route } from './server/routes.ts'
import { MemoryState } from './state/memory.ts'

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
  /** Takes what the server says about the games. @default nobody */
  readonly log?: (record: GameRecord) => void
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
   * Ends every game, a running one as abandoned and with its record, closes every connection
   * with 1001, and the port.
   */
  close(): Promise<void>
}

export interface ServerStats extends Readonly<ServerTotals> {
  readonly connections: number
  /** Games in a lobby or running. */
  readonly games: number
}

const routes: Readonly<Record<string, Route>> = {
  '/api/v1/login': login,
  '/api/v1/game/find': find,
  '/api/v1/game/lobby': lobby,
  '/api/v1/game/hero': hero,
  '/api/v1/game/action': action,
}

const optionNames = [
  ...['port', 'host', 'heroes', 'seed', 'turnMs', 'turnTimeoutMs', 'lobbyTimeoutMs'],
  ...['connectionsMax', 'usersMax', 'gamesMax', 'finished', 'events', 'log', 'clock'],
]

/** Sockets that may wait for their handshake, or for their goodbye, beyond `connectionsMax`. */
const socketsSpare = 128

/** After this silence the system asks the peer, so that one that is gone for good is closed. */
const keepAliveMs = 30_000

/**
 * Starts the game server with its state in memory. Resolves when it listens.
 * @throws INVALID_ARGUMENT for an option out of range, INVALID_CONFIG when the port is taken.
 */
export async function startServer(options: ServerOptions = {}): Promise<GameServer> {
  const settings = checked(options)
  const { clock } = settings
  const report = new Report({
    log: settings.log,
    finished: settings.finished,
    hasEvents: settings.events,
    nowMs: () => clock.wallMs(),
  })
  const state = new MemoryState(settings)
  const lobbies = new Lobbies({ ...settings, state, report })
  const doors = new Doors({ state, lobbies, report, clock }, settings.connectionsMax)
  const port = await doors.listen(settings.port, settings.host)
  let closing: Promise<void> | null = null
  async function close(): Promise<void> {
    doors.shut()
    await lobbies.close()
    await doors.close()
    await state[Symbol.asyncDispose]()
  }
  const closeOnce = () => (closing ??= close())
  return {
    url: `ws://${settings.host.includes(':') ? `[${settings.host}]` : settings.host}:${port}`,
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
  }
}

/** Lets clients in by their route, up to a number, and hands on what they ask. */
class Doors {
  readonly #context: Context
  readonly #connectionsMax: number
  readonly #http: Server
  readonly #sockets: SocketServer<typeof Connection>
  readonly #admitted = new Set<Connection>()
  #isShut = false

  constructor(context: Context, connectionsMax: number) {
    this.#context = context
    this.#connectionsMax = connectionsMax
    const options = {
      noServer: true,
      WebSocket: Connection,
      maxPayload: frameBytesMax,
      maxFragments: partsMax,
      maxBufferedChunks: partsMax,
      closeTimeout: closeTimeoutMs,
    }
    this.#sockets = new WebSocketServer(options)
    const kept = { keepAlive: true, keepAliveInitialDelay: keepAliveMs }
    this.#http = createServer(kept, (_request, response) => {
      response.writeHead(426, { 'content-type': 'text/plain', upgrade: 'websocket' })
      response.end('This is a WebSocket server; connect to /api/v1/login.\n')
    })
    this.#http.maxConnections = connectionsMax + socketsSpare
    this.#http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head))
  }

  get connections(): number {
    return this.#admitted.size
  }

  listen(port: number, host: string): Promise<number> {
    const http = this.#http
    return new Promise((resolve, reject) => {
      http.once('error', (cause) => reject(cannotListen(host, port, cause)))
      http.listen(port, host, 4_096, () => {
        http.removeAllListeners('error')
        http.on('error', (error) => this.#context.report.failed(error))
        resolve((http.address() as AddressInfo).port)
      })
    })
  }

  /** Nobody new is let in, and nothing is heard any more of those who are. */
  shut(): void {
    this.#isShut = true
    this.#http.close()
  }

  async close(): Promise<void> {
    const clients = [...this.#sockets.clients]
    const gone = clients.map((client) => new Promise((done) => client.once('close', done)))
    for (const client of clients) client.close(1001, 'the server closes')
    await Promise.all(gone)
    this.#http.closeAllConnections()
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const path = (request.url ?? '').replace(/\/?(?:\?.*)?$/, '')
    const route = Object.hasOwn(routes, path) ? routes[path] : undefined
    if (!route) turnAway(socket, '404 Not Found')
    else if (this.#isShut) turnAway(socket, '503 Service Unavailable')
    else {
      this.#sockets.handleUpgrade(request, socket, head, (connection) =>
        this.#admit(connection, route),
      )
    }
  }

  #admit(connection: Connection, route: Route): void {
    const { report, lobbies } = this.#context
    // Every error of a connection ends in its close, which is where it is dealt with.
    connection.on('error', () => {})
    connection.onRefused = (code) => report.connectionRefused(code)
    if (this.#admitted.size >= this.#connectionsMax) {
      connection.refuse(1013, `${this.#connectionsMax} connections are the limit`)
      return
    }
    this.#admitted.add(connection)
    connection.on('message', (data, isBinary) =>
      connection.inTurn(() => this.#handle(connection, route, data, isBinary)),
    )
    connection.on('close', () => {
      this.#admitted.delete(connection)
      connection.inTurn(() => lobbies.closed(connection).catch((error) => report.failed(error)))
    })
  }

  async #handle(
    connection: Connection,
    route: Route,
    data: RawData,
    isBinary: boolean,
  ): Promise<void> {
    if (connection.refusedWith !== 0 || this.#isShut) return
    const { report } = this.#context
    try {
      await route(this.#context, connection, payloadOf(data, isBinary))
    } catch (error) {
      if (error instanceof Refused) {
        report.refusal()
        connection.answer(answers.refused(error.status))
      } else {
        report.failed(error)
        connection.answer(answers.refused('SERVER ERROR'))
      }
    }
  }
}

/** The peer may be gone before it reads the answer, and may never close its own half. */
function turnAway(socket: Duplex, status: string): void {
  socket.on('error', () => socket.destroy())
  socket.once('finish', () => socket.destroy())
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}

function cannotListen(host: string, port: number, cause: Error): NarrowcastError {
  return new NarrowcastError(
    'INVALID_CONFIG',
    `sim server: cannot listen on ${host} port ${port}: ${cause.message}`,
    { cause, hint: 'Port 0 takes a free one.' },
  )
}
