import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { duckDbNdjson, duckDbParquet, hyparquet } from '../../../test/golden/readers.ts'
import type { Column, ColumnType, Row, ScalarType, TableSchema } from '../schema/columnTypes.ts'
import { cellsCheck } from '../schema/rowCheck.ts'
import type { Encoder } from './encoder.ts'
import { ndjson } from './ndjson.ts'
import { parquet } from './parquet.ts'

let folder = ''
let files = 0
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'narrowcast-round-trip-'))
})
afterAll(() => rm(folder, { recursive: true }))

const text = fc.string({ unit: 'binary', maxLength: 30 })
const integer = (min: number, max: number) => fc.integer({ min, max })
const time = fc.date({
  min: new Date('0001-01-01T00:00:00Z'),
  max: new Date('9999-12-31T23:59:59.999Z'),
  noInvalidDate: true,
})

/** Values as a transform may emit them. */
const given: Readonly<Record<ScalarType, fc.Arbitrary<unknown>>> = {
  boolean: fc.boolean(),
  int8: integer(-128, 127),
  int16: integer(-32_768, 32_767),
  int32: integer(-2_147_483_648, 2_147_483_647),
  int64: fc.oneof(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), fc.maxSafeInteger()),
  uint8: integer(0, 255),
  uint16: integer(0, 65_535),
  uint32: integer(0, 4_294_967_295),
  uint64: fc.oneof(fc.bigInt(0n, 2n ** 64n - 1n).map(String), fc.maxSafeNat()),
  float32: fc.float({ noNaN: true, noDefaultInfinity: true }),
  float64: fc.double({ noNaN: true, noDefaultInfinity: true }),
  string: text,
  uuid: fc.uuid(),
  timestamp: fc.oneof(
    time,
    time.map((one) => one.getTime()),
    time.map((one) => one.toISOString()),
  ),
  date: time,
  json: fc.jsonValue({ stringUnit: 'binary', maxDepth: 3 }).filter((value) => value !== null),
}

const leaf = fc
  .constantFrom(...(Object.keys(given) as ScalarType[]))
  .map((type) => ({ type: type as ColumnType, value: given[type] }))

type Typed = { readonly type: ColumnType; readonly value: fc.Arbitrary<unknown> }

const optional = (value: fc.Arbitrary<unknown>, nullable: boolean) =>
  nullable ? fc.option(value, { nil: null }) : value

/** A type of any shape, with its values. */
const { typed } = fc.letrec<{ typed: Typed; list: Typed; group: Typed }>((tie) => ({
  typed: fc.oneof({ depthSize: 'small', withCrossShrink: true }, leaf, tie('list'), tie('group')),
  list: fc.tuple(tie('typed'), fc.boolean()).map(([{ type, value }, nullable]) => ({
    type: { kind: 'list', item: { type, nullable } },
    value: fc.array(optional(value, nullable), { maxLength: 4 }),
  })),
  group: fields(tie('typed'), 3).map(({ columns, row }) => ({
    type: { kind: 'group', fields: columns },
    value: row,
  })),
}))

function fields(one: fc.Arbitrary<Typed>, most: number) {
  return fc.array(fc.tuple(one, fc.boolean()), { minLength: 1, maxLength: most }).map((parts) => ({
    columns: parts.map(([{ type }, nullable], at): Column => ({ name: `c${at}`, type, nullable })),
    row: fc.record(
      Object.fromEntries(
        parts.map(([{ value }, nullable], at) => [`c${at}`, optional(value, nullable)]),
      ),
    ),
  }))
}

/** A table and rows for it; values repeat, so that dictionaries and runs are made. */
const tables = fields(typed, 6).chain(({ columns, row }) =>
  fc.record({
    columns: fc.constant(columns),
    rows: fc
      .array(row, { maxLength: 8 })
      .chain((some) =>
        some.length === 0
          ? fc.constant<Record<string, unknown>[]>([])
          : fc.array(fc.constantFrom(...some), { minLength: 1, maxLength: 60 }),
      ),
    rowsPerGroup: integer(1, 40),
    cuts: fc.array(integer(0, 60), { maxLength: 3 }),
  }),
)

async function written(encoder: Encoder, table: TableSchema, rows: readonly Row[], cuts: number[]) {
  const path = join(folder, `${files++}${encoder.extension}`)
  await using file = await encoder.open(path, table)
  const ends = [...cuts.toSorted((a, b) => a - b), rows.length]
  let from = 0
  for (const end of ends) {
    await file.append(rows.slice(from, Math.max(from, end)))
    from = Math.max(from, end)
  }
  expect((await file.finish()).rows).toBe(rows.length)
  return path
}

test('rows of any shape come back from both formats by all readers', {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(tables, async ({ columns, rows: emitted, rowsPerGroup, cuts }) => {
      const table: TableSchema = { name: 'T', key: [], columns }
      const check = cellsCheck(columns)
      const rows = emitted.map((value): Row => {
        const checked = check(value)
        if ('fault' in checked) throw new Error(`${checked.fault.path}: ${checked.fault.message}`)
        return checked.row
      })
      const columnar = await written(parquet({ rowsPerGroup }), table, rows, cuts)
      expect(await hyparquet(columnar, table)).toEqual(rows)
      expect(await duckDbParquet(columnar, table)).toEqual(rows)
      const lines = await written(ndjson(), table, rows, cuts)
      expect(await duckDbNdjson(lines, table)).toEqual(rows)
      for (const line of zstdDecompressSync(await readFile(lines))
        .toString()
        .split('\n')
        .slice(0, -1)) {
        expect(Object.keys(JSON.parse(line))).toEqual(columns.map((column) => column.name))
      }
      await Promise.all([rm(columnar), rm(lines)])
    }),
    { numRuns: 40 },
  )
})
