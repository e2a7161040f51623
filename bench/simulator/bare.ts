import { setTimeout as sleep } from 'node:timers/promises'
import { shares, start } from './process.ts'

const warmMs = 1_000
const measuredMs = 3_000

interface BareReport {
  readonly hits: number
  readonly atMs: number
}

/**
 * Hits/s of the same processes, connections and frames without any game: one frame in, one out to
 * the attacker and one to the opponent. What is left of it in a game is what the game costs.
 */
export async function bareHits(bots: number, botProcesses: number): Promise<number> {
  const server = await start('bareServerBody.ts', {})
  const players = await Promise.all(
    shares(bots, botProcesses).map((numbers) =>
      start('bareBotsBody.ts', { port: server.ready, bots: numbers }),
    ),
  )
  await server.ask('begin')
  await sleep(warmMs)
  const first = (await server.ask('report')) as BareReport
  await sleep(measuredMs)
  const last = (await server.ask('report')) as BareReport
  await Promise.all([server, ...players].map((one) => one.stop()))
  return ((last.hits - first.hits) / (last.atMs - first.atMs)) * 1_000
}
