import { randomUUID } from 'node:crypto'
import * as z from 'zod'
import { defineTable, withMarks } from '../../src/pipelines/defineTable.ts'

const token = z.uuid()
const uint = (max = Number.MAX_SAFE_INTEGER) => z.int().min(0).max(max)

export const podium = defineTable({
  name: 'GAME_PODIUM',
  key: ['game_token', 'user_token'],
  schema: z.object({
    game_token: token,
    user_token: token,
    rounds: uint(65_535),
    rank: uint(255),
    damage_delivered: uint(),
    damage_received: uint(),
  }),
  columns: { damage_delivered: 'uint64', damage_received: 'uint64' },
})

/** Ten columns: six of the game, four marks. */
export const marked = withMarks(podium)

export interface Marks {
  readonly _id: string
  readonly _row: number
  readonly _commit: string
  readonly _time: number
}

/** Games of ten players, as a transform emits them, and the marks of each row. */
export function gameRows(count: number): { rows: Record<string, unknown>[]; marks: Marks[] } {
  const rows: Record<string, unknown>[] = []
  const marks: Marks[] = []
  const commit = randomUUID()
  let game = ''
  for (let at = 0; at < count; at++) {
    const place = at % 10
    if (place === 0) game = randomUUID()
    rows.push({
      game_token: game,
      user_token: randomUUID(),
      rounds: (at * 31) % 60,
      rank: place + 1,
      damage_delivered: (at * 7_919) % 5_000,
      damage_received: (at * 104_729) % 5_000,
    })
    marks.push({ _id: game, _row: place, _commit: commit, _time: 1_767_225_600_000 + at })
  }
  return { rows, marks }
}
