import type { StandardSchemaV1 } from '@standard-schema/spec'
import { toStandardJsonSchema } from '@valibot/to-json-schema'
import { type } from 'arktype'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { defineTable } from '../defineTable.ts'
import { typeName } from './columnTypes.ts'

const int8 = () => z.int().min(-128).max(127)

/** `name type` of every column, with `?` where it takes null. */
function forms(schema: StandardSchemaV1, columns: Record<string, unknown> = {}): string[] {
  const table = defineTable({ name: 'T', schema, columns } as Parameters<typeof defineTable>[0])
  return table.columns.map((one) => `${one.name} ${typeName(one.type)}${one.nullable ? '?' : ''}`)
}
const form = (schema: z.ZodType, columns?: Record<string, unknown>) =>
  forms(z.object({ c: schema }), columns)[0]?.slice(2)

describe('columns of a zod schema:', () => {
  const cases: readonly (readonly [z.ZodType, string])[] = [
    [z.int().min(0).max(255), 'uint8'],
    [z.int().min(0).max(256), 'uint16'],
    [z.int().min(0).max(65_535), 'uint16'],
    [z.int().min(0).max(65_536), 'uint32'],
    [z.uint32(), 'uint32'],
    [
      z
        .int()
        .min(0)
        .max(2 ** 32),
      'int64',
    ],
    [z.int().min(-128).max(127), 'int8'],
    [z.int().min(-128).max(128), 'int16'],
    [
      z
        .int()
        .min(-(2 ** 15))
        .max(2 ** 15 - 1),
      'int16',
    ],
    [
      z
        .int()
        .min(-1)
        .max(2 ** 15),
      'int32',
    ],
    [z.int32(), 'int32'],
    [z.int().min(0), 'int64'],
    [z.int(), 'int64'],
    [z.int().gt(-1).lt(256), 'uint8'],
    [z.int().positive().max(255), 'uint8'],
    [z.int().gt(0).lt(257), 'uint16'],
    [z.number(), 'float64'],
    [z.boolean(), 'boolean'],
    [z.string(), 'string'],
    [z.uuid(), 'string'],
    [z.email(), 'string'],
    [z.enum(['a', 'b']), 'string'],
    [z.literal('a'), 'string'],
    [z.literal([1, 300]), 'uint16'],
    [z.literal(-1), 'int8'],
    [z.literal([1, 1.5]), 'float64'],
    [z.literal(true), 'boolean'],
    [z.literal([1, 'a']), 'json'],
    [z.iso.datetime(), 'timestamp'],
    [z.iso.date(), 'date'],
    [z.object({ a: z.string(), b: int8().optional() }), 'group<a string, b int8?>'],
    [z.array(z.boolean()), 'list<boolean>'],
    [z.array(z.string().nullable()), 'list<string?>'],
    [z.array(z.array(z.object({ x: z.number() }))), 'list<list<group<x float64>>>'],
    [z.record(z.string(), z.unknown()), 'json'],
    [z.union([z.string(), z.number()]), 'json'],
    [z.union([z.uuid(), z.email()]), 'string'],
    [z.tuple([z.string(), z.number()]), 'json'],
    [z.looseObject({ a: z.string() }), 'json'],
    [z.object({}), 'json'],
    [z.string().nullable(), 'string?'],
    [z.string().optional(), 'string?'],
    [z.string().nullish(), 'string?'],
    [int8().default(1), 'int8'],
    [z.null(), 'json?'],
    [z.union([z.object({ k: z.literal('a') }), z.null()]), 'group<k string>?'],
    [z.enum(['a', 'b']).nullable(), 'string?'],
    [
      z.intersection(z.object({ a: z.string() }), z.object({ b: int8() })),
      'group<a string, b int8>',
    ],
    [z.int().meta({ parquet: 'uint64' }), 'uint64'],
    [z.bigint().meta({ parquet: 'int64' }), 'int64'],
    [z.date().nullable().meta({ parquet: 'timestamp' }), 'timestamp?'],
  ]
  test.each(cases.map(([schema, expected], at) => ({ schema, expected, at })))(
    '$at: $expected',
    ({ schema, expected }) => {
      expect(form(schema)).toBe(expected)
    },
  )

  test('a name wins over what the schema suggests, also over its metadata', () => {
    expect(form(int8().meta({ parquet: 'int16' }), { c: 'int32' })).toBe('int32')
    expect(form(z.uuid(), { c: 'uuid' })).toBe('uuid')
    expect(form(z.uuid().nullable(), { c: 'uuid' })).toBe('uuid?')
    expect(form(z.number(), { c: 'float32' })).toBe('float32')
    expect(form(z.object({ a: z.string() }), { c: 'json' })).toBe('json')
  })

  test('an open type takes its name; json may then be null, a bigint not', () => {
    expect(form(z.bigint(), { c: 'uint64' })).toBe('uint64')
    expect(form(z.date(), { c: 'date' })).toBe('date')
    expect(form(z.bigint().nullable(), { c: 'int64' })).toBe('int64?')
    expect(form(z.unknown(), { c: 'json' })).toBe('json?')
  })

  test('a path names a type inside', () => {
    const inner = z.object({ at: z.date(), n: z.array(z.object({ big: z.bigint() })) })
    expect(form(inner, { 'c.at': 'timestamp', 'c.n[].big': 'uint64' })).toBe(
      'group<at timestamp, n list<group<big uint64>>>',
    )
    expect(form(z.array(z.bigint()), { 'c[]': 'int64' })).toBe('list<int64>')
  })

  test('a schema used by reference is found, one that holds itself ends in json', () => {
    const place = z.object({ city: z.string() }).meta({ id: 'columns-test-place' })
    expect(forms(z.object({ a: place, b: place }))).toEqual([
      'a group<city string>',
      'b group<city string>',
    ])
    const tree = z.object({
      name: z.string(),
      get children() {
        return z.array(tree)
      },
    })
    expect(form(tree)).toBe('group<name string, children list<json>>')
  })
})

describe('columns of other libraries:', () => {
  test('arktype', () => {
    const schema = type({
      n: '0 <= number.integer <= 255',
      'note?': 'string',
      hero: 'string | null',
      kind: "'a' | 'b'",
      id: 'string.uuid',
      list: 'boolean[]',
      place: { x: 'number' },
      open: 'bigint',
      mixed: 'string | number',
    })
    expect(forms(schema, { open: 'uint64' }).toSorted()).toEqual([
      'hero string?',
      'id string',
      'kind string',
      'list list<boolean>',
      'mixed json',
      'n uint8',
      'note string?',
      'open uint64',
      'place group<x float64>',
    ])
  })

  test('valibot through its converter', () => {
    const schema = toStandardJsonSchema(
      v.object({
        n: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(255)),
        note: v.optional(v.string()),
        hero: v.nullable(v.string()),
        kind: v.picklist(['a', 'b']),
        at: v.pipe(v.string(), v.isoTimestamp()),
        big: v.bigint(),
        when: v.date(),
      }),
    )
    expect(forms(schema, { big: 'int64', when: 'timestamp' })).toEqual([
      'n uint8',
      'note string?',
      'hero string?',
      'kind string',
      'at timestamp',
      'big int64',
      'when timestamp',
    ])
  })

  test('valibot without it is told what to do', () => {
    expect(() => forms(v.object({ a: v.string() }))).toThrowError(
      expect.objectContaining({
        code: 'INVALID_ARGUMENT',
        message: 'table T: the schema of valibot does not tell its JSON Schema',
        hint: expect.stringContaining('@valibot/to-json-schema'),
      }),
    )
  })
})

describe('columns are refused:', () => {
  test.each<[string, z.ZodType, Record<string, unknown>, RegExp]>([
    ['an open type', z.bigint(), {}, /column c has an open type/],
    ['an open type inside', z.array(z.date()), {}, /column c\[\] has an open type/],
    ['an unknown', z.unknown(), {}, /column c has an open type/],
    ['a union with an open type', z.union([z.string(), z.bigint()]), {}, /c has an open type/],
    ['a name that is none', int8(), { c: 'uint128' }, /named "uint128"; expected one of boolean/],
    ['metadata that is none', int8().meta({ parquet: 7 }), {}, /named 7; expected one of/],
    ['a name without a column', int8(), { d: 'int8' }, /columns names "d", which is no column/],
    ['a path without a column', int8(), { 'c.d': 'int8' }, /columns names "c\.d"/],
    ['twins inside', z.object({ a: int8(), A: int8() }), {}, /in c "A" differs from a in case/],
    ['a bad name inside', z.object({ 'a b': int8() }), {}, /column name in c "a b"/],
  ])('%s', (_, schema, columns, text) => {
    expect(() => form(schema, columns)).toThrowError(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(text) }),
    )
  })

  test('the name to give stands in the hint', () => {
    expect(() => form(z.bigint())).toThrowError(
      expect.objectContaining({ hint: expect.stringContaining('columns: { "c": \'json\' }') }),
    )
  })

  test.each<[string, StandardSchemaV1, RegExp]>([
    ['no object', z.string(), /the schema is no object with properties/],
    ['an empty object', z.object({}), /the schema is no object with properties/],
    ['open keys', z.looseObject({ a: int8() }), /lets keys through that have no column/],
    ['a catch-all', z.object({ a: int8() }).catchall(z.string()), /lets keys through/],
    ['a record', z.record(z.string(), int8()), /lets keys through/],
    ['no schema', {} as StandardSchemaV1, /schema is no Standard Schema/],
    ['nothing', undefined as unknown as StandardSchemaV1, /schema is no Standard Schema/],
  ])('%s', (_, schema, text) => {
    expect(() => forms(schema)).toThrowError(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(text) }),
    )
  })

  test('a library that cannot tell is named, with its error as cause', () => {
    const cause = new Error('not today')
    const schema = {
      '~standard': {
        version: 1,
        vendor: 'mine',
        validate: (value: unknown) => ({ value }),
        jsonSchema: {
          output() {
            throw cause
          },
        },
      },
    } as StandardSchemaV1
    expect(() => forms(schema)).toThrowError(
      expect.objectContaining({
        message: 'table T: mine cannot tell the JSON Schema: not today',
        cause,
      }),
    )
  })
})
