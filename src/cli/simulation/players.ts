import { NarrowcastError } from '../../core/errors.ts'
import {
  type BotsRun,
  type BotsSummary,
  gamesOf,
  mixedPlan,
  type Plan,
  runBots,
} from '../../simulator/index.ts'
import type { Invocation } from '../invocation.ts'

export const seedDefault = 7
export const playersDefault = 10
export const gamesDefault = 50
const roundsMax = 1_000_000
/** How a bot says that it found no server. */
const refused = 'cannot connect'
const namesMax = 3

/** Players who did not come to their end, unless that was asked for: a line per reason. */
export function missingLines(
  { output, interrupts }: Invocation,
  { missing }: BotsSummary,
): string[] {
  if (interrupts.exitCode !== null) return []
  return [...Map.groupBy(missing, ({ why }) => why)].map(([why, all]) => {
    const names = all.slice(0, namesMax).map(({ user }) => user)
    const more = all.length > namesMax ? ` and ${all.length - namesMax} more` : ''
    return `${output.look.bad} ${names.join(', ')}${more}: ${why}`
  })
}

/** @throws CONNECT_FAILED where nobody got as far as a game because of that. */
export function checkReached(url: string, plan: Plan, { games, missing }: BotsSummary): void {
  const why = missing[0]?.why ?? ''
  const isAll = missing.length === plan.length && missing.every((one) => one.why.includes(refused))
  if (games > 0 || !isAll) return
  const cause = why.slice(why.indexOf(refused))
  throw new NarrowcastError(
    'CONNECT_FAILED',
    `none of ${plan.length} players reached ${url}: ${cause}`,
    { hint: 'Start a server there: narrowcast sim server' },
  )
}

/**
 * Rounds until at least the asked number of games is planned. A single player, where that is
 * allowed, meets others who play on the same server: it asks for duels, which two are enough for.
 */
export function planOf({ flags }: Invocation, playersMin: 1 | 2 = 2): Plan {
  const players = flags.whole('players', { min: playersMin, max: 10_000 }) ?? playersDefault
  const games = flags.whole('games', { min: 1 }) ?? gamesDefault
  if (players === 1) return [Array.from({ length: games }, () => 2 as const)]
  const seed = flags.whole('seed') ?? seedDefault
  let rounds = Math.max(1, Math.floor(games / (players / 2)))
  for (; rounds < roundsMax; rounds++) {
    const plan = mixedPlan(players, rounds, seed)
    if (gamesOf(plan) >= games) return plan
  }
  throw new NarrowcastError('INVALID_ARGUMENT', `--games ${games}: too many for ${players} players`)
}

export async function play(invocation: Invocation, url: string, plan: Plan) {
  const { flags, output, interrupts, live } = invocation
  const stopping = interrupts.claim()
  const processes = flags.whole('processes', { min: 1, max: 1_000 })
  const { makeProgress } = await import('../output/progress.ts')
  const name = flags.text('name')
  const names = plan.map((_, at) => `${name}-${String(at + 1).padStart(2, '0')}`)
  const progress = makeProgress(output, 'playing', plannedGames(plan), { live })
  /** Each is told by every player who was in it. */
  const games = new Set<string>()
  const run: BotsRun = runBots({
    url,
    plan,
    seed: flags.whole('seed') ?? seedDefault,
    ...(processes === undefined ? {} : { processes }),
    ...(name === undefined ? {} : { names }),
    onEvent: (event) => {
      if (event.type !== 'game' || event.played.outcome === 'timedOut') return
      games.add(event.played.game)
      progress.update(games.size)
    },
  })
  // Rejections of a stop end in `done`, which never rejects.
  stopping.addEventListener('abort', () => void run.stop(), { once: true })
  const summary = await run.done
  progress.end()
  return { summary, games: games.size }
}

/** A single player meets others: every game of its plan is one. */
export function plannedGames(plan: Plan): number {
  return plan.length === 1 ? plan.flat().length : gamesOf(plan)
}

/** Exit code 3 for players who went missing, unless that was asked for. */
export function missingCode({ interrupts }: Invocation, { missing }: BotsSummary): number {
  return missing.length > 0 && interrupts.exitCode === null ? 3 : 0
}
