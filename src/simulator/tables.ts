import * as z from 'zod'
import { definePipeline } from '../pipelines/definePipeline.ts'
import { defineTable } from '../pipelines/defineTable.ts'
import { finishedMessage, type Game } from './records.ts'
import { rankOf } from './rules.ts'

const token = z.uuid()
const uint = (max = Number.MAX_SAFE_INTEGER) => z.int().min(0).max(max)
const key = ['game_token', 'user_token'] as const

/** Who played with which hero. */
export const GAME_META = defineTable({
  name: 'GAME_META',
  key,
  schema: z.object({ game_token: token, user_token: token, superhero_id: uint(65_535) }),
  columns: { superhero_id: 'uint16' },
})

/** How each player fared. */
export const GAME_PODIUM = defineTable({
  name: 'GAME_PODIUM',
  key,
  schema: z.object({
    game_token: token,
    user_token: token,
    rounds: uint(65_535),
    rank: uint(255),
    damage_delivered: uint(),
    damage_received: uint(),
  }),
  columns: {
    rounds: 'uint16',
    rank: 'uint8',
    damage_delivered: 'uint64',
    damage_received: 'uint64',
  },
})

const PlayedGame = z.object({
  participants: z.array(z.object({ user_token: token, superhero_id: uint(65_535) })).min(2),
  hits: z.array(z.object({ user_token: token, enemy_token: token, enemy_damage: uint() })),
  deaths: z.array(token),
})

const Finished = z.object({
  task: z.object({
    game_token: token,
    host: z.boolean().optional(),
    game: PlayedGame.optional(),
  }),
})

/** Finished games → rows of both tables; every other record of the channel is skipped. */
export const games = definePipeline({
  name: 'games',
  channel: { name: 'lib.server.lobby', pattern: 'queue' },
  match: { log_message: finishedMessage },
  input: Finished,
  tables: [GAME_META, GAME_PODIUM],
  transform({ task: { game_token, host, game } }, { emit, dead }) {
    // Every participant may report; the host's record counts.
    if (host === false) return
    if (!game) {
      dead('the record carries no game')
      return
    }
    for (const player of game.participants) emit(GAME_META, { game_token, ...player })
    for (const row of podium(game)) emit(GAME_PODIUM, { game_token, ...row })
  },
})

export interface PodiumRow {
  readonly user_token: string
  /** Hits that the player made. */
  readonly rounds: number
  /** 1 is the winner; who falls first gets the number of participants. */
  readonly rank: number
  readonly damage_delivered: number
  readonly damage_received: number
}

/**
 * One row per participant, in their order. In an abandoned game, where all fell, the last to
 * fall has rank 1.
 */
export function podium({
  participants,
  hits,
  deaths,
}: Pick<Game, 'participants' | 'hits' | 'deaths'>): readonly PodiumRow[] {
  const sum = (some: typeof hits) => some.reduce((total, hit) => total + hit.enemy_damage, 0)
  return participants.map(({ user_token }) => {
    const made = hits.filter((hit) => hit.user_token === user_token)
    const taken = hits.filter((hit) => hit.enemy_token === user_token)
    return {
      user_token,
      rounds: made.length,
      rank: rankOf(participants.length, deaths, user_token),
      damage_delivered: sum(made),
      damage_received: sum(taken),
    }
  })
}
