import { median } from '../src/lab/statistics/median.ts'
import { playGames } from '../src/simulator/engine.ts'
import { loadHeroes } from '../src/simulator/roster.ts'
import { type Bench, type Figure, figure, ratePerSecond } from './harness.ts'
import { bareHits } from './simulator/bare.ts'
import { type Played, play } from './simulator/played.ts'
import { sizeOfServer } from './simulator/size.ts'

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

export const bench: Bench = {
  name: 'engine',
  about:
    'the simulator: games/s of the engine, and of the server with bots beside bare ws; size of the server',
  async run(report) {
    const engine: number[] = []
    for (let run = 0; run < settings.engineRuns; run++) engine.push(await engineRun())
    report('engine done')
    const played: Played[] = []
    const bare: number[] = []
    for (let run = 0; run < settings.serverRuns; run++) {
      played.push(await play(settings))
      bare.push(await bareHits(settings.bots, settings.botProcesses))
    }
    report(boundOf(played))
    const { seed, idleConnections } = settings
    const size = await sizeOfServer(seed, idleConnections)
    return {
      settings,
      figures: [
        figure('engine, duels and games of three', 'games/s', engine),
        ...figuresOf(played, bare),
        figure('server with no connection', 'MB', [size.emptyMb]),
        figure(`server with ${idleConnections} open connections`, 'MB', [size.fullMb]),
      ],
    }
  },
}

function figuresOf(played: readonly Played[], bare: readonly number[]): Figure[] {
  const { bots, botProcesses } = settings
  const each = (what: (run: Played) => number) => played.map(what)
  const total = (what: (run: Played) => number) => each(what).reduce((sum, one) => sum + one, 0)
  const bareFigure = figure('bare ws: the frames of hits, no game', 'hits/s', bare)
  return [
    figure(
      `server and ${bots} bots in ${botProcesses} processes, duels`,
      'games/s',
      each((run) => run.gamesPerSecond),
      { lost: total((run) => run.lost), duplicated: total((run) => run.duplicated) },
    ),
    bareFigure,
    figure(
      'hits in the same games',
      'hits/s',
      each((run) => run.hitsPerSecond),
      { against: bareFigure },
    ),
    figure(
      'processor time of the server',
      'µs/game',
      each((run) => run.serverCpuUs),
    ),
    figure(
      'processor time of the bots',
      'µs/game',
      each((run) => run.botsCpuUs),
    ),
    figure(
      'answer to an attack, p99',
      'ms',
      each((run) => run.answerP99Ms),
    ),
  ]
}

/** What server and bots cost together is what two cores can play at most. */
function boundOf(played: readonly Played[]): string {
  const server = median(played.map((run) => run.serverCpuUs))
  const bots = median(played.map((run) => run.botsCpuUs))
  const [alone, both] = [1e6 / server, 2e6 / (server + bots)].map(Math.round)
  return (
    `server with bots done: ${Math.round(server)} µs of processor time a game for the server, ` +
    `${Math.round(bots)} for the bots: at most ${both} games/s on two cores that both share, ` +
    `${alone} for a server with a core of its own`
  )
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
