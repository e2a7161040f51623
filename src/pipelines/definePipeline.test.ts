import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { definePipeline, type TransformContext } from './definePipeline.ts'
import { defineTable } from './defineTable.ts'
import { messagesPipeline } from './messagesPipeline.ts'

const game = defineTable({
  name: 'GAME',
  key: ['n'],
  schema: z.object({ n: z.int(), name: z.string() }),
})
const other = defineTable({ name: 'OTHER', schema: z.object({ other: z.boolean() }) })
const input = z.object({ n: z.int() })

describe('emit, when compiling', () => {
  test('takes the rows of a declared table, and no others', () => {
    const made = definePipeline({
      name: 'games',
      channel: { name: 'games' },
      input,
      tables: [game],
      transform({ n }, { emit }) {
        emit(game, { n, name: 'a' })
        // @ts-expect-error a table that was not declared
        emit(other, { other: true })
        // @ts-expect-error a missing column
        emit(game, { n })
        // @ts-expect-error a wrong type
        emit(game, { n: 'one', name: 'a' })
        // @ts-expect-error a column that the table does not have
        emit(game, { n, name: 'a', more: 1 })
      },
    })
    expect(made.tables).toEqual([game])
  })

  test('input gives transform its type, load gives what is loaded its type', () => {
    definePipeline({
      name: 'games',
      channel: { name: 'games', pattern: 'stream' },
      input,
      tables: [game],
      load: async ({ n }) => ({ name: String(n) }),
      transform(data, { emit, loaded }) {
        emit(game, { n: data.n, name: loaded.name })
        // @ts-expect-error the input has no such field
        data.nothing
        // @ts-expect-error what was loaded has no such field
        loaded.nothing
      },
    })
  })

  test('without input the data is unknown', () => {
    definePipeline({
      name: 'games',
      channel: { name: 'games' },
      tables: [game],
      transform(data) {
        // @ts-expect-error nobody has checked it
        data.n
      },
    })
  })
})

describe('definePipeline refuses', () => {
  const right = {
    name: 'games',
    channel: { name: 'games' },
    tables: [game],
    transform: (_data: unknown, _context: TransformContext<[typeof game], undefined>) => undefined,
  } as const
  test.for([
    [{ ...right, name: '../x' }, /^pipeline: its name "\.\.\/x" has a character/],
    [{ ...right, name: '' }, /^pipeline: its name "" is empty/],
    [{ ...right, channel: { name: 'a b' } }, /^channel name "a b"/],
    [{ ...right, channel: { name: 'a', pattern: 'topic' } }, /^option channel\.pattern: expected/],
    [{ ...right, tables: [] }, /^option tables: expected 1 to 100 tables, got 0/],
    [{ ...right, tables: [game, { ...other, name: 'game' }] }, /two tables are named game/],
    [{ ...right, transform: 'no' }, /^option transform: expected a function/],
    [{ ...right, loadMsMax: 0 }, /^option loadMsMax: expected a whole number of at least 1/],
    [{ ...right, tabels: [] }, /^definePipeline: unknown option tabels; known are name, /],
  ] as const)('%#: a wrong option by its name', ([options, text]) => {
    expect(() => definePipeline(options as never)).toThrow(text)
  })
})

test('messagesPipeline takes its name from the channel, cut to what a group may be', () => {
  expect(messagesPipeline({ name: 'lib.server.lobby' })).toMatchObject({
    name: 'lib.server.lobby',
    channel: { name: 'lib.server.lobby', pattern: 'queue' },
  })
  expect(messagesPipeline({ name: `${'a'.repeat(59)}.b`, pattern: 'stream' }).name).toBe(
    'a'.repeat(59),
  )
})
