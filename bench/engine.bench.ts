import { fork } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { playGames } from '../src/simulator/engine.ts'
import { loadHeroes } from '../src/simulator/roster.ts'
import { type Bench, figure, quantileOf, ratePerSecond } from './harness.ts'
import type { BotsReport, ServerReport } from './simulator/messages.ts'

const settings = {
  seed: 7,
  engineGames: 300_000,
  engineRuns: 5,
  bots: 100,
  botProcesses: 2,
  connections: 'kept',
  gamesPerBot: 200,
  serverRuns: 5,
  idleConnections: 10_000,
} as const

const bodies = join(import.meta.dirname, 'simulator')

export const bench: Bench = {
  name: 'engine',
  about: 'the simulator: games/s of the engine, and of the server with bots; size of the server',
  async run(report) {
    const engine: number[] = []
    for (let run = 0; run < settings.engineRuns; run++) engine.push(await engineRun())
    report('engine done')
    const played: Played[] = []
    for (let run = 0; run < settings.serverRuns; run++) played.push(await serverRun())
    report('server with bots done')
    const size = await sizeOfServer()
    return {
      settings,
      figures: [
        figure('engine, duels and games of three', 'games/s', engine),
        figure(
          `server and ${settings.bots} bots, duels`,
          'games/s',
          played.map((run) => run.gamesPerSecond),
          {
            lost: played.reduce((sum, run) => sum + run.lost, 0),
            duplicated: played.reduce((sum, run) => sum + run.duplicated, 0),
          },
        ),
        figure(
          'hits in the same runs',
          'hits/s',
          played.map((run) => run.hitsPerSecond),
        ),
        figure(
          'answer to an attack, p99',
          'ms',
          played.map((run) => run.answerP99Ms),
        ),
        figure('server with no connection', 'MB', [size.emptyMb]),
        figure(`server with ${settings.idleConnections} open connections`, 'MB', [size.fullMb]),
      ],
    }
  },
}

function engineRun(): Promise<number> {
  const games = settings.engineGames
  return ratePerSecond(games, async () => {
    let count = 0
    for (const { game } of playGames({ seed: settings.seed, heroes: loadHeroes(), games })) {
      if (game.hits.length > 0) count++
    }
    if (count !== games) throw new Error(`engine: ${count} of ${games} games were played`)
  })
}

interface Played {
  readonly gamesPerSecond: number
  readonly hitsPerSecond: number
  readonly answerP99Ms: number
  /** Games started without a finished record, and with more than one. */
  readonly lost: number
  readonly duplicated: number
}

/** Starts a body of `bench/simulator` as a process; its first message says that it is ready. */
async function start(body: string, argument: unknown) {
  const child = fork(join(bodies, body), [JSON.stringify(argument)], { execArgv: [] })
  const [ready] = (await once(child, 'message')) as [unknown]
  return {
    ready,
    async ask(question: string): Promise<unknown> {
      child.send(question)
      const [answer] = (await once(child, 'message')) as [unknown]
      return answer
    },
    async stop(): Promise<void> {
      const gone = once(child, 'exit')
      child.disconnect()
      await gone
    },
  }
}

async function startServer(connectionsMax: number) {
  const server = await start('serverBody.ts', { connectionsMax, seed: settings.seed })
  return { ...server, url: String(server.ready) }
}

async function serverRun(): Promise<Played> {
  const server = await startServer(settings.bots * 6)
  const each = settings.bots / settings.botProcesses
  const bots = await Promise.all(
    Array.from({ length: settings.botProcesses }, (_, at) =>
      start('botsBody.ts', {
        url: server.url,
        names: Array.from({ length: each }, (_, n) => `bot-${at * each + n}`),
        games: settings.gamesPerBot,
      }),
    ),
  )
  const reports = (await Promise.all(bots.map((one) => one.ask('play')))) as BotsReport[]
  const told = (await server.ask('report')) as ServerReport
  const seconds = told.playedMs / 1_000
  await Promise.all([server, ...bots].map((one) => one.stop()))
  const answersMs = reports.flatMap((one) => one.answersMs)
  return {
    gamesPerSecond: told.finished / seconds,
    hitsPerSecond: told.hits / seconds,
    answerP99Ms: quantileOf(answersMs, 0.99),
    lost: told.lost,
    duplicated: told.duplicated,
  }
}

/** Resident memory of the server process, before and with idle connections. */
async function sizeOfServer(): Promise<{ emptyMb: number; fullMb: number }> {
  const server = await startServer(settings.idleConnections)
  const { port } = new URL(server.url)
  const empty = (await server.ask('report')) as ServerReport
  const sockets: Socket[] = []
  while (sockets.length < settings.idleConnections) {
    const some = Array.from({ length: 100 }, () => idleConnection(Number(port)))
    sockets.push(...(await Promise.all(some)))
  }
  const full = (await server.ask('report')) as ServerReport
  for (const socket of sockets) socket.destroy()
  await server.stop()
  if (full.connections !== settings.idleConnections) {
    throw new Error(`server: ${full.connections} of ${settings.idleConnections} are open`)
  }
  return { emptyMb: empty.residentBytes / 1e6, fullMb: full.residentBytes / 1e6 }
}

/** A bare socket that has shaken hands: what is measured is the server, not a client library. */
async function idleConnection(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.write(
    'GET /api/v1/game/lobby HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\n' +
      'Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n' +
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  )
  const [answer] = (await once(socket, 'data')) as [Buffer]
  if (!String(answer).includes(' 101 ')) throw new Error(`server: ${answer}`)
  return socket
}
