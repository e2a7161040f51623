import { describe, expect, expectTypeOf, test } from 'vitest'
import * as z from 'zod'
import { defineTable, type Table, withMarks } from './defineTable.ts'

const int8 = () => z.int().min(-128).max(127)
const one = { schema: z.object({ a: int8(), b: z.string().nullable(), l: z.array(int8()) }) }

describe('defineTable:', () => {
  test('a table has name, key, schema and columns', () => {
    const table = defineTable({ name: 'GAME_PODIUM', key: ['a'], ...one })
    expect(table).toEqual({
      name: 'GAME_PODIUM',
      key: ['a'],
      schema: one.schema,
      columns: [
        { name: 'a', type: 'int8', nullable: false },
        { name: 'b', type: 'string', nullable: true },
        {
          name: 'l',
          type: { kind: 'list', item: { type: 'int8', nullable: false } },
          nullable: false,
        },
      ],
    })
  })

  test('its type is what may be emitted: the input of the schema', () => {
    const table = defineTable({
      name: 'T',
      schema: z.object({ a: int8().default(0), b: z.string() }),
    })
    const emit = <R>(_: Table<R>, row: NoInfer<R>) => row
    expectTypeOf(emit(table, { b: 'x' })).toEqualTypeOf<{ a?: number | undefined; b: string }>()
  })

  test('without a key it has none', () => {
    expect(defineTable({ name: 'T', ...one }).key).toEqual([])
  })

  test.each<[string, string, RegExp]>([
    ['empty', '', /table name "" does not begin with a letter/],
    ['a path', '../x', /does not begin/],
    ['a folder inside', 'a/b', /does not begin with a letter, or has a character beyond/],
    ['ours', '_dead', /does not begin/],
    ['hidden', '.x', /does not begin/],
    ['a dot', 'a.b', /character beyond/],
    ['a space', 'a b', /character beyond/],
    ['an umlaut', 'ä', /does not begin/],
    ['long', 'x'.repeat(101), /has 101 characters/],
    ['a device', 'CON', /is a device name/],
    ['every object', 'constructor', /is a property of every object/],
    ['no string', 7 as unknown as string, /is not a string/],
  ])('a table name is refused: %s', (_, name, text) => {
    expect(() => defineTable({ name, ...one })).toThrowError(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(text) }),
    )
  })

  test('the longest name is taken', () => {
    expect(defineTable({ name: 'x'.repeat(100), ...one }).name).toHaveLength(100)
  })

  test.each<[string, string, RegExp]>([
    ['a mark', '_id', /does not begin with a letter/],
    ['the partition', 'date', /is taken by the partitions of the lake/],
    ['the partition in other letters', 'Date', /is taken by the partitions/],
    ['a prototype', '__proto__', /does not begin/],
    ['every object', 'toString', /is a property of every object/],
    ['a quote', 'a"b', /character beyond/],
    ['empty', '', /does not begin/],
  ])('a column name is refused: %s', (_, name, text) => {
    const schema = z.object({ [name]: int8() })
    expect(() => defineTable({ name: 'T', schema })).toThrowError(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(text) }),
    )
  })

  test('two columns that differ in case only are refused', () => {
    const schema = z.object({ rank: int8(), Rank: int8() })
    expect(() => defineTable({ name: 'T', schema })).toThrowError(
      /"Rank" differs from rank in case/,
    )
  })

  test('`date` is free inside a group', () => {
    const schema = z.object({ g: z.object({ date: z.iso.date() }) })
    expect(defineTable({ name: 'T', schema }).columns).toHaveLength(1)
  })

  test.each<[string, string, RegExp]>([
    ['no column', 'z', /key z is no column/],
    ['a list', 'l', /key l holds more than one value/],
    ['optional', 'b', /key b may be null/],
  ])('a key is refused: %s', (_, key, text) => {
    expect(() => defineTable({ name: 'T', key: [key as 'a'], ...one })).toThrowError(text)
  })

  test('withMarks puts the marks behind the columns and leaves the table alone', () => {
    const table = defineTable({ name: 'T', key: ['a'], ...one })
    const marked = withMarks(table)
    expect(marked.columns.slice(0, 3)).toEqual(table.columns)
    expect(marked.columns.slice(3)).toEqual([
      { name: '_id', type: 'string', nullable: true },
      { name: '_row', type: 'int32', nullable: false },
      { name: '_commit', type: 'string', nullable: false },
      { name: '_time', type: 'timestamp', nullable: false },
    ])
    expect(table.columns).toHaveLength(3)
  })
})
