import { NarrowcastError } from '../core/errors.ts'
import type { GameSize } from './plan.ts'
import { drawDifferent, type Random, randomFrom, uuidAt } from './random.ts'
import type { FinishedGame, GameHit } from './records.ts'
import type { Hero } from './roster.ts'
import {
  chooseEnemy,
  type Fight,
  type Fighter,
  fighterOf,
  hit,
  isOver,
  startFight,
} from './rules.ts'

export interface EngineOptions {
  /** The same seed and options give the same games: tokens, heroes, pairings, hits, times. */
  readonly seed: string | number
  readonly heroes: readonly Hero[]
  /** Players who meet each other; at least 3. @default 10 */
  readonly players?: number
  /** Games to play; Infinity goes on until the caller stops. @default Infinity */
  readonly games?: number
  /** Sizes of the games, drawn by chance. @default [2, 2, 2, 3, 3], as in the demo */
  readonly sizes?: readonly GameSize[]
  /** When the first game starts, ms since 1970. @default 2026-01-01T00:00:00Z */
  readonly startMs?: number
}

const defaults = {
  players: 10,
  games: Number.POSITIVE_INFINITY,
  sizes: [2, 2, 2, 3, 3] as readonly GameSize[],
  startMs: 1_767_225_600_000,
}

/** Between the starts of two games, and between two hits of one game. */
const gameStepMs = 10
const hitStepMs = 50

/**
 * Plays whole games in memory, without sockets and without a clock: games start 10 ms apart, a
 * hit takes 50 ms.
 * @throws INVALID_ARGUMENT for too few players or heroes, or no size.
 */
export function playGames(options: EngineOptions): Generator<FinishedGame, void, undefined> {
  const settings = { ...defaults, ...options }
  const { players, heroes, sizes } = settings
  if (players < 3) throw invalid(`players must be at least 3, got ${players}`)
  if (heroes.length < 3) throw invalid(`heroes must be at least 3, got ${heroes.length}`)
  if (sizes.length === 0) throw invalid('sizes must name at least one size')
  return play(settings)
}

function invalid(text: string): NarrowcastError {
  return new NarrowcastError('INVALID_ARGUMENT', `engine: ${text}`)
}

function* play(settings: Required<EngineOptions>): Generator<FinishedGame, void, undefined> {
  const { seed, heroes, sizes, startMs } = settings
  const random = randomFrom(`engine/${seed}`)
  const tokens = Array.from({ length: settings.players }, () => uuidAt(startMs, random))
  for (let number = 0; number < settings.games; number++) {
    const startedMs = startMs + number * gameStepMs
    const size = sizes[random.below(sizes.length)] as GameSize
    const game_token = uuidAt(startedMs, random)
    const users = drawDifferent(size, tokens.length, random).map((at) => tokens[at] as string)
    const seats = drawDifferent(size, heroes.length, random).map((at, seat) =>
      fighterOf(users[seat] as string, heroes[at] as Hero),
    )
    const { fight, hits } = playFight(startFight(seats), random)
    yield {
      game_token,
      host: users[0] as string,
      outcome: 'complete',
      game: {
        participants: seats.map(({ token, id }) => ({ user_token: token, superhero_id: id })),
        hits,
        deaths: fight.deaths,
        started_at: new Date(startedMs).toISOString(),
        ended_at: new Date(startedMs + hits.length * hitStepMs).toISOString(),
      },
    }
  }
}

function playFight(start: Fight, random: Random): { fight: Fight; hits: GameHit[] } {
  const hits: GameHit[] = []
  let fight = start
  while (!isOver(fight)) {
    const user_token = (fight.fighters[fight.turn] as Fighter).token
    const enemy_token = chooseEnemy(fight.fighters, user_token, random) as string
    const made = hit(fight, user_token, enemy_token)
    if (typeof made === 'string') throw new NarrowcastError('INTERNAL', `engine: ${made}`)
    hits.push({ user_token, enemy_token, enemy_damage: made.damage })
    fight = made.fight
  }
  return { fight, hits }
}
