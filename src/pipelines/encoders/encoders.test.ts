import { spawnSync } from 'node:child_process'
import { access, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { asyncBufferFromFile, parquetMetadataAsync } from 'hyparquet'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { duckDbNdjson, duckDbParquet, hyparquet } from '../../../test/golden/readers.ts'
import { withMarks } from '../defineTable.ts'
import type { Row, TableSchema } from '../schema/columnTypes.ts'
import type { Encoder } from './encoder.ts'
import { ndjson } from './ndjson.ts'
import { parquet } from './parquet.ts'

const table: TableSchema = {
  name: 'HITS',
  key: ['id'],
  columns: [
    { name: 'id', type: 'int32', nullable: false },
    { name: 'note', type: 'string', nullable: true },
    { name: 'damage', type: 'uint64', nullable: false },
    { name: 'at', type: 'timestamp', nullable: false },
    { name: 'day', type: 'date', nullable: true },
    { name: 'more', type: 'json', nullable: true },
  ],
}
const rowAt = (at: number): Row => ({
  id: at,
  note: at % 3 === 0 ? null : `note ${at}`,
  damage: at % 2 === 0 ? at : 2n ** 63n + BigInt(at),
  at: at * 1_000 - 5_000_000,
  day: at % 5 === 0 ? null : '1969-12-31',
  more: at % 7 === 0 ? null : `{"at":${at}}`,
})
const rowsOf = (count: number) => Array.from({ length: count }, (_, at) => rowAt(at))

const encoders: readonly (readonly [string, Encoder])[] = [
  ['parquet zstd', parquet({ rowsPerGroup: 700 })],
  ['parquet gzip', parquet({ compression: 'gzip', rowsPerGroup: 700 })],
  ['parquet none', parquet({ compression: 'none', rowsPerGroup: 700 })],
  ['ndjson zstd', ndjson()],
  ['ndjson gzip', ndjson({ compression: 'gzip' })],
  ['ndjson none', ndjson({ compression: 'none' })],
]

let folder = ''
let files = 0
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'narrowcast-encoders-'))
})
afterAll(() => rm(folder, { recursive: true }))
const newPath = (encoder: Encoder) => join(folder, `${files++}${encoder.extension}`)
const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  )

describe.each(encoders)('%s:', { timeout: 60_000 }, (name, encoder) => {
  const read = name.startsWith('parquet') ? duckDbParquet : duckDbNdjson

  test('rows come back as they went in, in their order, from many appends', async () => {
    const rows = rowsOf(3_000)
    const path = newPath(encoder)
    await using file = await encoder.open(path, table)
    await file.append(rows.slice(0, 1))
    await file.append([])
    await file.append(rows.slice(1, 2_500))
    await file.append(rows.slice(2_500))
    const { bytes, ...rest } = await file.finish()
    expect(rest.rows).toBe(3_000)
    expect(bytes).toBe((await readFile(path)).length)
    expect(await read(path, table)).toEqual(rows)
    if (name.startsWith('parquet')) expect(await hyparquet(path, table)).toEqual(rows)
  })

  test('counts nulls and keeps bounds of numbers and times', async () => {
    await using file = await encoder.open(newPath(encoder), table)
    await file.append(rowsOf(8))
    expect((await file.finish()).stats).toEqual([
      { name: 'id', nulls: 0, min: 0, max: 7 },
      { name: 'note', nulls: 3, min: null, max: null },
      { name: 'damage', nulls: 0, min: 0, max: '9223372036854775815' },
      { name: 'at', nulls: 0, min: -5_000_000, max: -4_993_000 },
      { name: 'day', nulls: 2, min: '1969-12-31', max: '1969-12-31' },
      { name: 'more', nulls: 2, min: null, max: null },
    ])
  })

  test('rows with marks', async () => {
    const marked = withMarks(table)
    const rows = rowsOf(3).map((row, at) => ({
      ...row,
      _id: at === 0 ? null : `id-${at}`,
      _row: at,
      _commit: '0190163d-8694-739b-aea5-966c26f8ad91',
      _time: 1_767_225_599_999,
    }))
    const path = newPath(encoder)
    await using file = await encoder.open(path, marked)
    await file.append(rows)
    await file.finish()
    expect(await read(path, marked)).toEqual(rows)
  })

  test('a file without rows is whole', async () => {
    const path = newPath(encoder)
    await using file = await encoder.open(path, table)
    expect(await file.finish()).toMatchObject({ rows: 0 })
    expect(await read(path, table)).toEqual([])
  })

  test.each([
    ['a required cell that is missing', { ...rowAt(1), damage: null }],
    ['a cell of another type', { ...rowAt(1), at: Number.NaN }],
  ])('a failed append leaves no file: %s', async (_, wrong) => {
    const path = newPath(encoder)
    await using file = await encoder.open(path, table)
    await file.append(rowsOf(2_000))
    expect(await exists(path)).toBe(true)
    const failing = async () => {
      await file.append([rowAt(2_000), wrong])
      await file.finish()
    }
    await expect(failing()).rejects.toMatchObject({ code: 'INVALID_MESSAGE' })
    expect(await exists(path)).toBe(false)
    await expect(file.append([rowAt(0)])).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(file.finish()).rejects.toMatchObject({ code: 'CLOSED' })
  })

  test('disposed before it is finished, the file is gone; disposed after, it stays', async () => {
    const path = newPath(encoder)
    const file = await encoder.open(path, table)
    await file.append(rowsOf(2_000))
    await file[Symbol.asyncDispose]()
    await file[Symbol.asyncDispose]()
    expect(await exists(path)).toBe(false)
    await expect(file.append([])).rejects.toMatchObject({ code: 'CLOSED' })

    const kept = await encoder.open(path, table)
    await kept.append(rowsOf(2))
    await kept.finish()
    await kept[Symbol.asyncDispose]()
    expect(await read(path, table)).toHaveLength(2)
    await expect(kept.append([])).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(kept.finish()).rejects.toMatchObject({ code: 'CLOSED' })
    expect(await exists(path)).toBe(true)
  })

  test('a path that is taken is refused and left alone', async () => {
    const path = newPath(encoder)
    await writeFile(path, 'mine')
    await expect(encoder.open(path, table)).rejects.toMatchObject({ code: 'STORE_UNUSABLE' })
    expect(await readFile(path, 'utf8')).toBe('mine')
  })

  test('a folder that is not there is our trouble, not a row’s', async () => {
    const path = join(folder, 'nowhere', `x${encoder.extension}`)
    await expect(encoder.open(path, table)).rejects.toMatchObject({
      code: 'STORE_UNUSABLE',
      message: expect.stringContaining(`open ${path} failed: ENOENT`),
    })
  })

  test('the event loop turns between pieces', async () => {
    let turns = 0
    let isCounting = true
    const count = () => {
      turns++
      if (isCounting) setImmediate(count)
    }
    await using file = await encoder.open(newPath(encoder), table)
    setImmediate(count)
    await file.append(rowsOf(14_000))
    isCounting = false
    expect(turns).toBeGreaterThanOrEqual(5)
  })

  test('two files at once do not meet', async () => {
    const paths = [newPath(encoder), newPath(encoder)]
    await Promise.all(
      paths.map(async (path, at) => {
        await using file = await encoder.open(path, table)
        for (let from = 0; from < 2_000; from += 500) {
          await file.append(rowsOf(2_000).slice(from, from + 500 + at))
        }
        await file.finish()
      }),
    )
    const [first, second] = await Promise.all(paths.map((path) => read(path, table)))
    expect(first).toHaveLength(2_000)
    expect(second).toHaveLength(2_003)
  })
})

describe('parquet:', { timeout: 60_000 }, () => {
  const metadata = async (path: string) => parquetMetadataAsync(await asyncBufferFromFile(path))

  test('what is written before finish is no Parquet file', async () => {
    const path = newPath(parquet())
    await using file = await parquet({ rowsPerGroup: 100 }).open(path, table)
    await file.append(rowsOf(1_050))
    expect((await readFile(path)).length).toBeGreaterThan(1_000)
    await expect(duckDbParquet(path, table)).rejects.toThrow(/No magic bytes/)
    await expect(hyparquet(path, table)).rejects.toThrow(/footer != PAR1/)
  })

  test('a group has the rows that it should, and the codec that was asked for', async () => {
    for (const [compression, codec] of [
      ['zstd', 'ZSTD'],
      ['gzip', 'GZIP'],
      ['none', 'UNCOMPRESSED'],
    ] as const) {
      const encoder = parquet({ compression, rowsPerGroup: 400 })
      const path = newPath(encoder)
      await using file = await encoder.open(path, table)
      await file.append(rowsOf(1_000))
      await file.finish()
      const { row_groups, created_by } = await metadata(path)
      expect(created_by).toBe('narrowcast')
      expect(row_groups.map((group) => Number(group.num_rows))).toEqual([400, 400, 200])
      for (const { columns } of row_groups) {
        for (const { meta_data } of columns) expect(meta_data?.codec).toBe(codec)
      }
    }
  })

  test('long rows make small groups, so that memory stays bounded', async () => {
    const path = newPath(parquet())
    await using file = await parquet().open(path, table)
    const rows = Array.from({ length: 12 }, (_, at) => ({
      ...rowAt(at),
      note: `${at}`.repeat(1_000_000).slice(0, 1_000_000),
      more: JSON.stringify('x'.repeat(600_000)),
    }))
    await file.append(rows)
    await file.finish()
    expect((await metadata(path)).row_groups).toHaveLength(4)
    expect(await hyparquet(path, table)).toEqual(rows)
  })

  test('a repeated text is written once per group', async () => {
    const path = newPath(parquet())
    await using file = await parquet({ compression: 'none' }).open(path, {
      ...table,
      columns: [{ name: 'note', type: 'string', nullable: false }],
    })
    await file.append(Array.from({ length: 5_000 }, () => ({ note: 'the same long text again' })))
    expect((await file.finish()).bytes).toBeLessThan(1_000)
  })

  test.each<[string, () => unknown, RegExp]>([
    [
      'compression',
      () => parquet({ compression: 'snappy' as 'zstd' }),
      /"snappy"; expected zstd, gzip or none/,
    ],
    ['a level', () => parquet({ level: 20 }), /zstd level 20; expected 1 to 19/],
    [
      'a level of gzip',
      () => parquet({ compression: 'gzip', level: 0 }),
      /gzip level 0; expected 1 to 9/,
    ],
    [
      'a level of none',
      () => parquet({ compression: 'none', level: 1 }),
      /level 1 without a compression/,
    ],
    ['rows', () => parquet({ rowsPerGroup: 5_001 }), /rowsPerGroup 5001; expected 1 to 5000/],
    ['no rows', () => parquet({ rowsPerGroup: 0 }), /rowsPerGroup 0; expected 1 to 5000/],
    [
      'ndjson compression',
      () => ndjson({ compression: 'br' as 'zstd' }),
      /ndjson: compression "br"/,
    ],
    ['ndjson level', () => ndjson({ level: 1.5 }), /ndjson: zstd level 1.5/],
  ])('an option is refused: %s', (_, make, text) => {
    expect(make).toThrowError(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(text) }),
    )
  })
})

describe('ndjson:', () => {
  test('a file is one stream: whole lines, the last with its end', async () => {
    for (const [compression, open] of [
      ['zstd', zstdDecompressSync],
      ['gzip', gunzipSync],
      ['none', (bytes: Buffer) => bytes],
    ] as const) {
      const encoder = ndjson({ compression })
      const path = newPath(encoder)
      await using file = await encoder.open(path, table)
      await file.append([{ ...rowAt(1), note: 'a\nb\u2028c' }])
      await file.append([rowAt(2)])
      await file.finish()
      expect(open(await readFile(path)).toString()).toBe(
        '{"id":1,"note":"a\\nb\u2028c","damage":9223372036854775809,"at":"1969-12-31T22:36:41.000Z","day":"1969-12-31","more":{"at":1}}\n' +
          '{"id":2,"note":"note 2","damage":2,"at":"1969-12-31T22:36:42.000Z","day":"1969-12-31","more":{"at":2}}\n',
      )
    }
  })
})

test('nothing is left beside the files', async () => {
  for (const name of await readdir(folder)) expect(name).toMatch(/\.(parquet|ndjson(\.zst|\.gz)?)$/)
})

test('importing the pipelines loads no Parquet and no schema library', () => {
  const program = `
    import { registerHooks } from 'node:module'
    const loaded = []
    registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context) } })
    await import(${JSON.stringify(new URL('../index.ts', import.meta.url).href)})
    console.log(loaded.length > 10, JSON.stringify(loaded.filter((url) => /hyparquet|zod/.test(url))))`
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '--eval', program],
    { encoding: 'utf8', timeout: 60_000 },
  )
  expect(stderr).toBe('')
  expect(stdout.trim()).toBe('true []')
})
