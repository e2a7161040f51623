import { quantileOf } from '../harness.ts'
import type { BotsReport, ServerReport } from './messages.ts'
import { shares, start } from './process.ts'

export interface PlayedSettings {
  readonly seed: number
  readonly bots: number
  readonly botProcesses: number
  readonly gamesPerBot: number
}

export interface Played {
  readonly gamesPerSecond: number
  readonly hitsPerSecond: number
  readonly answerP99Ms: number
  /** Processor time per game, system calls included. */
  readonly serverCpuUs: number
  /** The same of all bots together. */
  readonly botsCpuUs: number
  /** Games started without a finished record, and with more than one. */
  readonly lost: number
  readonly duplicated: number
}

/** Duels over real sockets: one server process, and the bots in others. */
export async function play(settings: PlayedSettings): Promise<Played> {
  const { seed, bots, botProcesses, gamesPerBot } = settings
  const server = await start('serverBody.ts', { connectionsMax: bots * 6, seed })
  const players = await Promise.all(
    shares(bots, botProcesses).map((numbers) =>
      start('botsBody.ts', {
        url: server.ready,
        names: numbers.map((bot) => `bot-${bot}`),
        games: gamesPerBot,
      }),
    ),
  )
  const reports = (await Promise.all(players.map((one) => one.ask('play')))) as BotsReport[]
  const told = (await server.ask('report')) as ServerReport
  await Promise.all([server, ...players].map((one) => one.stop()))
  const { finished, hits, playedMs, lost, duplicated } = told
  const answersMs = reports.flatMap((one) => one.answersMs)
  const botsCpuMs = reports.reduce((sum, one) => sum + one.cpuMs, 0)
  return {
    gamesPerSecond: (finished / playedMs) * 1_000,
    hitsPerSecond: (hits / playedMs) * 1_000,
    answerP99Ms: quantileOf(answersMs, 0.99),
    serverCpuUs: (told.cpuMs / finished) * 1_000,
    botsCpuUs: (botsCpuMs / finished) * 1_000,
    lost,
    duplicated,
  }
}
