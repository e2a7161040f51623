import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cellsCheck } from '../src/pipelines/schema/rowCheck.ts'
import { everyType, everyValue } from './golden/everyType.ts'
import {
  duckDbNdjson,
  duckDbParquet,
  duckDbType,
  duckDbTypes,
  hyparquet,
  type Reader,
} from './golden/readers.ts'
import { goldenFiles, writeGolden } from './golden/write.ts'

type Name = keyof typeof goldenFiles
const names = Object.keys(goldenFiles) as Name[]
const golden = (name: string) => join(import.meta.dirname, 'golden', name)

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'narrowcast-golden-'))
  for (const name of names) await writeGolden(name, join(folder, name))
}, 60_000)
afterAll(() => rm(folder, { recursive: true }))

const readers: readonly (readonly [string, Name, Reader])[] = [
  ...(
    ['everyType-zstd.parquet', 'everyType-gzip.parquet', 'everyType-none.parquet'] as const
  ).flatMap(
    (name) =>
      [
        ['DuckDB', name, duckDbParquet],
        ['hyparquet', name, hyparquet],
      ] as const,
  ),
  ...(['everyType.ndjson.zst', 'everyType.ndjson.gz', 'everyType.ndjson'] as const).map(
    (name) => ['DuckDB', name, duckDbNdjson] as const,
  ),
]

describe('golden files:', { timeout: 60_000 }, () => {
  test.each(readers)('%s reads the committed %s back as it was written', async (_, name, read) => {
    expect(await read(golden(name), everyType)).toEqual(everyValue)
  })

  test.each(readers)('%s reads a new %s back as it was written', async (_, name, read) => {
    expect(await read(join(folder, name), everyType)).toEqual(everyValue)
  })

  test.each(['everyType-none.parquet', 'everyType.ndjson'] as const)(
    'a new %s is the committed one, byte for byte',
    async (name) => {
      const [now, before] = await Promise.all([
        readFile(join(folder, name)),
        readFile(golden(name)),
      ])
      expect(now.equals(before), 'the format changed; see test/golden/write.ts').toBe(true)
    },
  )

  test('compressed lines are the same lines', async () => {
    const [plain, zstd, gzip] = await Promise.all(
      ['everyType.ndjson', 'everyType.ndjson.zst', 'everyType.ndjson.gz'].map((name) =>
        readFile(join(folder, name)),
      ),
    )
    expect(zstdDecompressSync(zstd as Buffer)).toEqual(plain)
    expect(gunzipSync(gzip as Buffer)).toEqual(plain)
  })

  test('JSON.parse takes every line; 64-bit integers are plain digits', async () => {
    const lines = (await readFile(golden('everyType.ndjson'), 'utf8')).trimEnd().split('\n')
    expect(lines).toHaveLength(everyValue.length)
    for (const line of lines)
      expect(Object.keys(JSON.parse(line))).toHaveLength(everyType.columns.length)
    expect(lines[1]).toContain('"uint64_required":18446744073709551615,')
    expect(lines[2]).toContain('"int64_required":-9223372036854775808,')
    expect(lines[1]).toContain('"timestamp_required":"1969-12-31T23:59:59.999Z",')
  })

  test('DuckDB finds the types that the table names', async () => {
    const found = await duckDbTypes(golden('everyType-zstd.parquet'))
    const named = everyType.columns.map(({ name, type }) => [name, duckDbType(type)])
    const unquoted = (types: Record<string, string>) =>
      Object.fromEntries(
        Object.entries(types).map(([name, type]) => [name, type.replaceAll('"', '')]),
      )
    expect(unquoted(found)).toEqual(unquoted(Object.fromEntries(named)))
  })

  test('the values are what the check of rows makes', () => {
    const check = cellsCheck(everyType.columns)
    const json = (text: unknown) => (text === null ? null : JSON.parse(text as string))
    for (const row of everyValue) {
      const given = {
        ...row,
        json_required: json(row.json_required),
        json_optional: json(row.json_optional),
        nested6_required: parsed(row.nested6_required),
        nested6_optional: parsed(row.nested6_optional),
      }
      expect(check(given)).toEqual({ row })
    }
  })
})

/** With its JSON texts as values. */
function parsed(value: unknown): unknown {
  const one = value as { tags: string[] | null } | null
  return one === null ? null : { ...one, tags: one.tags?.map((tag) => JSON.parse(tag)) ?? null }
}
