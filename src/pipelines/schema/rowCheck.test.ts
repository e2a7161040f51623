import type { StandardSchemaV1 } from '@standard-schema/spec'
import { toStandardJsonSchema } from '@valibot/to-json-schema'
import { type } from 'arktype'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { defineTable } from '../defineTable.ts'
import type { ColumnType } from './columnTypes.ts'
import { cellsCheck, rowCheck } from './rowCheck.ts'

/** The checked cell, or its fault as `path: message`. */
function cell(columnType: ColumnType, value: unknown, nullable = false): unknown {
  const checked = cellsCheck([{ name: 'c', type: columnType, nullable }])({ c: value })
  return 'row' in checked ? checked.row.c : `${checked.fault.path}: ${checked.fault.message}`
}
const refusal = (columnType: ColumnType, value: unknown) => String(cell(columnType, value))

describe('integers stay in the range of their column:', () => {
  test.each<[ColumnType & string, number, number]>([
    ['int8', -128, 127],
    ['int16', -32_768, 32_767],
    ['int32', -2_147_483_648, 2_147_483_647],
    ['uint8', 0, 255],
    ['uint16', 0, 65_535],
    ['uint32', 0, 4_294_967_295],
  ])('%s', (columnType, min, max) => {
    expect(cell(columnType, min)).toBe(min)
    expect(cell(columnType, max)).toBe(max)
    expect(cell(columnType, -0)).toBe(0)
    const range = `${columnType}: an integer from ${min} to ${max}`
    for (const wrong of [min - 1, max + 1, 1.5, Number.NaN, Infinity, 1n, true]) {
      expect(refusal(columnType, wrong)).toBe(`c: expected ${range}, got ${wrong}`)
    }
    expect(refusal(columnType, '1')).toBe(`c: expected ${range}, got "1"`)
  })

  test.each<[ColumnType & string, bigint, bigint]>([
    ['int64', -(2n ** 63n), 2n ** 63n - 1n],
    ['uint64', 0n, 2n ** 64n - 1n],
  ])('%s, as number, bigint or digits', (columnType, min, max) => {
    expect(cell(columnType, max)).toBe(max)
    expect(cell(columnType, String(max))).toBe(max)
    expect(cell(columnType, min)).toBe(min === 0n ? 0 : min)
    expect(cell(columnType, 2n ** 53n + 1n)).toBe(2n ** 53n + 1n)
    expect(cell(columnType, 7n)).toBe(7)
    expect(cell(columnType, '7')).toBe(7)
    expect(cell(columnType, Number.MAX_SAFE_INTEGER)).toBe(Number.MAX_SAFE_INTEGER)
    expect(cell(columnType, -0)).toBe(0)
    expect(cell(columnType, '-0')).toBe(0)
    for (const wrong of [min - 1n, max + 1n, 1.5, Number.NaN]) {
      expect(refusal(columnType, wrong)).toBe(
        `c: expected ${columnType}: an integer from ${min} to ${max}, got ${wrong}`,
      )
    }
    for (const wrong of ['', '1.5', ' 1', '0x1', '1e3', '9'.repeat(21), null, {}, []]) {
      expect(refusal(columnType, wrong)).toMatch(/^c: /)
    }
  })

  test('an unsafe integer is refused: its digits are lost already', () => {
    for (const columnType of ['int64', 'uint64'] as const) {
      for (const unsafe of [2 ** 53, 1e300]) {
        expect(refusal(columnType, unsafe)).toMatch(/is an unsafe integer/)
      }
    }
    expect(refusal('int64', -(2 ** 53))).toMatch(/is an unsafe integer/)
  })
})

describe('numbers:', () => {
  test('a float is finite, never -0, and as wide as its column', () => {
    expect(cell('float64', 0.1)).toBe(0.1)
    expect(cell('float64', Number.MAX_VALUE)).toBe(Number.MAX_VALUE)
    expect(cell('float64', -0)).toBe(0)
    expect(cell('float32', 0.1)).toBe(Math.fround(0.1))
    for (const wrong of [Number.NaN, Infinity, -Infinity, '1', 1n]) {
      expect(refusal('float64', wrong)).toMatch(/expected float64: a finite number, got /)
    }
    expect(refusal('float32', 3.5e38)).toBe('c: expected float32: a finite number, got 3.5e+38')
  })

  test('a boolean is one', () => {
    expect(cell('boolean', false)).toBe(false)
    expect(refusal('boolean', 0)).toBe('c: expected true or false, got 0')
  })
})

describe('text:', () => {
  test('any text but a lone surrogate', () => {
    for (const text of ['', '\0', '😀', '\ud83d\ude00', '\uffff']) {
      expect(cell('string', text)).toBe(text)
    }
    for (const half of ['\ud83d', '\ude00', 'a\ud83d b', '\ude00\ud83d']) {
      expect(refusal('string', half)).toBe(
        'c: has half of a surrogate pair, which UTF-8 cannot hold',
      )
    }
    expect(refusal('string', 1)).toBe('c: expected a string, got 1')
  })

  test('a long value is cut in the message', () => {
    expect(refusal('uint8', 'x'.repeat(1_000)).length).toBeLessThan(100)
  })

  test('a uuid, in lower case', () => {
    expect(cell('uuid', '0B9F1C1E-7A51-4B7E-9F52-1C7B7F0E1A11')).toBe(
      '0b9f1c1e-7a51-4b7e-9f52-1c7b7f0e1a11',
    )
    for (const wrong of ['', '0b9f1c1e7a514b7e9f521c7b7f0e1a11', 'g'.repeat(36), 1]) {
      expect(refusal('uuid', wrong)).toMatch(/^c: expected a UUID of 36 characters, got /)
    }
  })
})

describe('time:', () => {
  test('a timestamp is a Date, ms, or text with its zone', () => {
    const timeMs = Date.UTC(2026, 0, 31, 23, 59, 59, 123)
    expect(cell('timestamp', timeMs)).toBe(timeMs)
    expect(cell('timestamp', new Date(timeMs))).toBe(timeMs)
    expect(cell('timestamp', '2026-01-31T23:59:59.123Z')).toBe(timeMs)
    expect(cell('timestamp', '2026-01-31 23:59:59.123z')).toBe(timeMs)
    expect(cell('timestamp', '2026-02-01T01:59:59.123456+02:00')).toBe(timeMs)
    expect(cell('timestamp', '1969-12-31T23:59:59.999Z')).toBe(-1)
    expect(cell('timestamp', '0001-01-01T00:00:00Z')).toBe(-62_135_596_800_000)
    expect(cell('timestamp', '9999-12-31T23:59:59.999Z')).toBe(253_402_300_799_999)
  })

  test.each([
    ['no zone', '2026-01-31T23:59:59'],
    ['a day only', '2026-01-31'],
    ['the 30th of February', '2026-02-30T00:00:00Z'],
    ['the 29th in a short year', '2026-02-29T00:00:00Z'],
    ['an hour of 25', '2026-01-31T25:00:00Z'],
    ['a leap second', '2026-06-30T23:59:60Z'],
    ['words', 'yesterday'],
    ['the year 0', '0000-12-31T23:59:59Z'],
    ['before the year 1', -62_135_596_800_001],
    ['after the year 9999', 253_402_300_800_000],
    ['half a ms', 0.5],
    ['an invalid Date', new Date(Number.NaN)],
    ['a bigint', 1n],
    ['a boolean', true],
    ['an array', [1]],
  ])('a timestamp is refused: %s', (_, value) => {
    expect(refusal('timestamp', value)).toMatch(/^c: expected a time of the years 1 to 9999/)
  })

  test('a date is a day, of a Date the one in UTC', () => {
    expect(cell('date', '2024-02-29')).toBe('2024-02-29')
    expect(cell('date', '1969-12-31')).toBe('1969-12-31')
    expect(cell('date', new Date('2026-01-31T23:59:59.999Z'))).toBe('2026-01-31')
    expect(cell('date', new Date('0001-01-01T00:00:00Z'))).toBe('0001-01-01')
  })

  test.each([
    ['the 30th of February', '2026-02-30'],
    ['the year 0', '0000-01-01'],
    ['a time', '2026-01-31T00:00:00Z'],
    ['short', '2026-1-31'],
    ['a number', 0],
    ['a Date beyond', new Date(253_402_300_800_000)],
  ])('a date is refused: %s', (_, value) => {
    expect(refusal('date', value)).toMatch(/^c: expected a day of the years 1 to 9999/)
  })
})

describe('values within values:', () => {
  const group: ColumnType = {
    kind: 'group',
    fields: [
      { name: 'a', type: 'uint8', nullable: false },
      { name: 'b', type: 'string', nullable: true },
    ],
  }
  const list = (nullable: boolean): ColumnType => ({
    kind: 'list',
    item: { type: group, nullable },
  })

  test('a group has every field, and no other', () => {
    expect(cell(group, { a: 1, other: 2 })).toEqual({ a: 1, b: null })
    expect(refusal(group, { a: 300 })).toMatch(/^c\.a: expected uint8/)
    expect(refusal(group, {})).toBe('c.a: is missing')
    expect(refusal(group, 'x')).toBe('c: expected an object, got "x"')
  })

  test('a list names the item at fault', () => {
    expect(cell(list(false), [{ a: 1 }, { a: 2, b: 'x' }])).toEqual([
      { a: 1, b: null },
      { a: 2, b: 'x' },
    ])
    expect(cell(list(false), [])).toEqual([])
    expect(cell(list(true), [null])).toEqual([null])
    expect(refusal(list(false), [{ a: 1 }, null])).toBe('c[1]: is missing')
    expect(refusal(list(false), [{ a: 1 }, { a: -1 }])).toMatch(/^c\[1\]\.a: expected uint8/)
    expect(refusal(list(false), { length: 1 })).toBe('c: expected an array, got object')
    expect(refusal({ kind: 'list', item: { type: 'int8', nullable: false } }, new Array(1))).toBe(
      'c[0]: is missing',
    )
  })

  test('json is the text of exactly that value', () => {
    expect(cell('json', { b: [1, null, { c: '😀' }], a: undefined })).toBe(
      '{"b":[1,null,{"c":"😀"}]}',
    )
    expect(cell('json', 'x')).toBe('"x"')
    expect(cell('json', 1e300)).toBe('1e+300')
    expect(cell('json', Object.assign(Object.create(null), { a: 1 }))).toBe('{"a":1}')
  })

  const circle: { self?: unknown } = {}
  circle.self = circle
  test.each<[string, unknown, string]>([
    ['NaN', { a: [Number.NaN] }, 'c.a[0]: expected a value that JSON can hold, got NaN'],
    ['a bigint', { a: 1n }, 'c.a: expected a value that JSON can hold, got 1'],
    ['a Date', { a: new Date(0) }, 'c.a: expected a value that JSON can hold, got object'],
    ['a Map', new Map(), 'c: expected a value that JSON can hold, got object'],
    ['a function', [() => 1], 'c[0]: expected a value that JSON can hold, got function'],
    [
      'undefined in an array',
      [undefined],
      'c[0]: expected a value that JSON can hold, got undefined',
    ],
    ['toJSON', { toJSON: () => 1 }, 'c: expected a value that JSON can hold, got object'],
    ['half a pair', { a: '\ud83d' }, 'c.a: has half of a surrogate pair, which UTF-8 cannot hold'],
    [
      'half a pair as a key',
      { '\ud83d': 1 },
      'c: has half of a surrogate pair, which UTF-8 cannot hold',
    ],
    ['a circle', circle, `c${'.self'.repeat(101)}: is nested deeper than 100 levels`],
  ])('json is refused: %s', (_, value, text) => {
    expect(refusal('json', value)).toBe(text)
  })

  test('what is missing is null where the column takes it', () => {
    for (const nothing of [null, undefined]) {
      expect(cell('int8', nothing, true)).toBeNull()
      expect(refusal('int8', nothing)).toBe('c: is missing')
    }
  })
})

describe('rowCheck:', () => {
  const schema = z.object({
    id: z.uuid(),
    n: z.number(),
    at: z.date(),
    hits: z.array(z.object({ damage: z.int() })).default([]),
  })
  const table = defineTable({ name: 'T', schema, columns: { n: 'uint8', at: 'timestamp' } })
  const check = rowCheck(table)
  const good = { id: '0b9f1c1e-7a51-4b7e-9f52-1c7b7f0e1a11', n: 1, at: new Date(5) }

  test('a row has its columns in order, defaults filled in, and nothing else', () => {
    const checked = check({ other: 1, at: new Date(5), n: 1, id: good.id })
    expect(checked).toEqual({ row: { ...good, at: 5, hits: [] } })
    expect(Object.keys('row' in checked ? checked.row : {})).toEqual(['id', 'n', 'at', 'hits'])
  })

  test('what the schema refuses is told with its path', () => {
    expect(check({ ...good, hits: [{ damage: 1 }, { damage: 'x' }] })).toEqual({
      fault: { path: 'hits[1].damage', message: expect.stringContaining('expected number') },
    })
    expect(check(null)).toEqual({ fault: { path: '', message: expect.any(String) } })
  })

  test('what the schema lets through and the column cannot hold is refused', () => {
    expect(check({ ...good, n: 300 })).toEqual({
      fault: { path: 'n', message: 'expected uint8: an integer from 0 to 255, got 300' },
    })
  })

  test('what the caller changes later does not change the row', () => {
    const hits = [{ damage: 1 }]
    const checked = check({ ...good, hits })
    ;(hits[0] as { damage: number }).damage = 2
    expect(checked).toMatchObject({ row: { hits: [{ damage: 1 }] } })
  })

  test('a schema that answers later is our defect, not the row’s', async () => {
    const late = (answer: () => Promise<never>) =>
      ({ '~standard': { version: 1, vendor: 'mine', validate: answer } }) as StandardSchemaV1
    const asked = rowCheck({ ...table, schema: late(() => Promise.reject(new Error('no'))) })
    expect(() => asked(good)).toThrowError(
      expect.objectContaining({
        code: 'INVALID_ARGUMENT',
        message: 'table T: the schema validates asynchronously; a row schema must answer at once',
      }),
    )
    const refined = defineTable({
      name: 'T',
      schema: z.object({ a: z.string().refine(async () => true) }),
    })
    expect(() => rowCheck(refined)({ a: 'x' })).toThrowError(/validates asynchronously/)
  })

  test('arktype and valibot check rows too', () => {
    const ark = rowCheck(
      defineTable({
        name: 'T',
        schema: type({ n: 'number', 'o?': 'string' }),
        columns: { n: 'uint8' },
      }),
    )
    expect(ark({ n: 255 })).toEqual({ row: { n: 255, o: null } })
    expect(ark({ n: 256 })).toMatchObject({ fault: { path: 'n' } })
    expect(ark({ n: 'x' })).toMatchObject({
      fault: { path: 'n', message: expect.stringContaining('number') },
    })
    const vali = rowCheck(
      defineTable({
        name: 'T',
        schema: toStandardJsonSchema(
          v.object({ n: v.bigint(), o: v.optional(v.array(v.string())) }),
        ),
        columns: { n: 'uint64' },
      }),
    )
    expect(vali({ n: 2n ** 64n - 1n })).toEqual({ row: { n: 2n ** 64n - 1n, o: null } })
    expect(vali({ n: 2n ** 64n })).toMatchObject({ fault: { path: 'n' } })
    expect(vali({ n: 1n, o: ['x', 3] })).toMatchObject({ fault: { path: 'o[1]' } })
  })
})
