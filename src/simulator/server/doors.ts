import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { type RawData, type Server as SocketServer, WebSocketServer } from 'ws'
import { NarrowcastError } from '../../core/errors.ts'
import { answers } from './answers.ts'
import { Connection, closeTimeoutMs, frameBytesMax, partsMax } from './connection.ts'
import { isOutage } from './outage.ts'
import { payloadOf, Refused } from './request.ts'
import { action } from './routes/action.ts'
import { find } from './routes/find.ts'
import { hero } from './routes/hero.ts'
import { lobby } from './routes/lobby.ts'
import { login } from './routes/login.ts'
import type { Context, Route } from './routes.ts'

const routes: Readonly<Record<string, Route>> = {
  '/api/v1/login': login,
  '/api/v1/game/find': find,
  '/api/v1/game/lobby': lobby,
  '/api/v1/game/hero': hero,
  '/api/v1/game/action': action,
}

/** Sockets that may wait for their handshake, or for their goodbye, beyond `connectionsMax`. */
const socketsSpare = 128

/** After this silence the system asks the peer, so that one that is gone for good is closed. */
const keepAliveMs = 30_000

/** Lets clients in by their route, up to a number, and hands on what they ask. */
export class Doors {
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

  /** `reusePort`: other processes may listen on the same port. */
  listen(port: number, host: string, reusePort: boolean): Promise<number> {
    const http = this.#http
    return new Promise((resolve, reject) => {
      http.once('error', (cause) => reject(cannotListen(host, port, reusePort, cause)))
      http.listen({ port, host, reusePort, backlog: 4_096 }, () => {
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
      } else if (isOutage(error)) {
        report.refusal()
        connection.answer(answers.refused('STATE UNAVAILABLE'))
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

export function cannotListen(
  host: string,
  port: number,
  reusePort: boolean,
  cause: NodeJS.ErrnoException,
): NarrowcastError {
  const isTaken = !reusePort || cause.code === 'EADDRINUSE'
  return new NarrowcastError(
    'INVALID_CONFIG',
    `sim server: cannot listen on ${host} port ${port}: ${cause.message}`,
    {
      cause,
      hint: isTaken
        ? 'Port 0 takes a free one.'
        : 'Where processes cannot share a port, give each its own, behind a load balancer.',
    },
  )
}
