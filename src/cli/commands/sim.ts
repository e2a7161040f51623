import { resolve } from 'node:path'
import { NarrowcastError } from '../../core/errors.ts'
import { type GameRecord, gamesOf, loadHeroes, startServer } from '../../simulator/index.ts'
import { connectTo, openChannel } from '../connection.ts'
import { isDryRun } from '../consent.ts'
import type { Invocation, Run } from '../invocation.ts'
import { countOf, showDuration, showRate } from '../output/quantities.ts'
import { runEngine } from '../simulation/engine.ts'
import { readHeroes } from '../simulation/heroes.ts'
import {
  checkReached,
  gamesDefault,
  missingCode,
  missingLines,
  plannedGames,
  planOf,
  play,
  playersDefault,
  seedDefault,
} from '../simulation/players.ts'
import { openRecords, recordsCode, recordsText } from '../simulation/records.ts'
import { serverOptions, totalsJson } from '../simulation/serverOptions.ts'

const serverDefault = 'ws://127.0.0.1:5678'

/** `sim bots [SERVER]` */
export const bots: Run = async (invocation) => {
  const { args, output, clock } = invocation
  const url = args[0] ?? serverDefault
  if (!/^wss?:\/\//.test(url)) {
    throw new NarrowcastError('INVALID_ARGUMENT', `sim bots: ${url} is no WebSocket URL`, {
      hint: `For example ${serverDefault}`,
    })
  }
  const plan = planOf(invocation, 1)
  const would = `would play ${plannedGames(plan)} games on ${url}`
  if (await isDryRun(invocation, would)) return
  const beganMs = clock.monotonicMs()
  const { summary, games } = await play(invocation, url, plan)
  if (invocation.interrupts.exitCode === null) checkReached(url, plan, summary)
  const tookMs = clock.monotonicMs() - beganMs
  await output.answer({
    type: 'sim.bots',
    fields: {
      players: plan.length,
      games,
      // A game once per player.
      played: summary.games,
      hits: summary.hits,
      skipped: summary.skipped,
      missing: summary.missing.map(({ user, why }) => ({ user, why })),
      duration_ms: Math.round(tookMs),
    },
    lines: () => [
      `${countOf(plan.length, 'player')}, ${countOf(games, 'game')}, ${countOf(summary.hits, 'hit')} in ${showDuration(tookMs)}`,
      ...missingLines(invocation, summary),
    ],
  })
  return missingCode(invocation, summary)
}

/** `sim run`: server and bots, or the engine alone. */
export const run: Run = (invocation) =>
  invocation.flags.isSet('engine') ? runOnEngine(invocation) : runOnSockets(invocation)

async function runOnSockets(invocation: Invocation): Promise<number> {
  const { flags, output, clock } = invocation
  if (flags.isSet('rate'))
    throw new NarrowcastError('INVALID_ARGUMENT', '--rate belongs to --engine')
  const plan = planOf(invocation)
  const would = `would play ${gamesOf(plan)} games of ${plan.length} players`
  if (await isDryRun(invocation, would)) return 0
  await using connected = await connectTo(invocation, { look: false })
  const records = openRecords(connected.url)
  const game = await startServer({
    port: 0,
    ...serverOptions(invocation),
    log: records.log,
  }).catch(async (error: unknown) => {
    await records.close()
    throw error
  })
  const beganMs = clock.monotonicMs()
  output.note(
    `sim run  ${countOf(plan.length, 'player')}  ${countOf(gamesOf(plan), 'game')}  ${game.url}  records to ${connected.shownUrl}`,
  )
  const { summary } = await play(invocation, game.url, plan)
  await game.close()
  const tookMs = clock.monotonicMs() - beganMs
  const counts = await records.close()
  const { acked, dropped, kept } = counts
  const stats = game.stats()
  await output.answer({
    type: 'sim.run',
    fields: {
      players: plan.length,
      games: stats.complete + stats.abandoned,
      ...totalsJson(stats),
      records: acked,
      dropped,
      kept,
      missing: summary.missing.map(({ user, why }) => ({ user, why })),
      duration_ms: Math.round(tookMs),
    },
    lines: () => [
      `${countOf(stats.complete + stats.abandoned, 'game')}, ${countOf(stats.hits, 'hit')} in ${showDuration(tookMs)}  ${showRate((stats.started / tookMs) * 1_000)}; ${recordsText(counts)}`,
      ...missingLines(invocation, summary),
    ],
  })
  output.next('narrowcast tail lib.server.lobby')
  return recordsCode(counts) || missingCode(invocation, summary)
}

async function runOnEngine(invocation: Invocation): Promise<number> {
  const { flags, output, clock, folder } = invocation
  for (const flag of ['port', 'turn', 'processes', 'events']) {
    if (!flags.isSet(flag)) continue
    throw new NarrowcastError(
      'INVALID_ARGUMENT',
      `--${flag} is for games over sockets, not --engine`,
    )
  }
  const heroes = flags.text('heroes')
  const plan = {
    games: flags.whole('games', { min: 1 }) ?? gamesDefault,
    players: flags.whole('players', { min: 3, max: 100_000 }) ?? playersDefault,
    seed: flags.whole('seed') ?? seedDefault,
    heroes: heroes === undefined ? loadHeroes() : readHeroes(resolve(folder, heroes)),
    rate: flags.whole('rate', { min: 1 }) ?? null,
    finished: (flags.text('finished') as 'host' | 'all' | undefined) ?? 'host',
  }
  if (await isDryRun(invocation, `would publish ${plan.games} games to lib.server.lobby`)) return 0
  await using connected = await connectTo(invocation, { look: false })
  const channel = await openChannel<GameRecord>(invocation, connected, 'lib.server.lobby')
  const beganMs = clock.monotonicMs()
  const { games, hits, published } = await runEngine(invocation, channel, plan)
  const tookMs = clock.monotonicMs() - beganMs
  await output.answer({
    type: 'sim.run',
    fields: {
      players: plan.players,
      games,
      hits,
      records: published,
      dropped: 0,
      duration_ms: Math.round(tookMs),
    },
    lines: () => [
      `${countOf(games, 'game')}, ${countOf(hits, 'hit')} in ${showDuration(tookMs)}  ${showRate((games / tookMs) * 1_000)}; ${countOf(published, 'record')} acked`,
    ],
  })
  output.next('narrowcast tail lib.server.lobby')
  return 0
}
