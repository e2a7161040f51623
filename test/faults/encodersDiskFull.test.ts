import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Encoder } from '../../src/pipelines/encoders/encoder.ts'
import { ndjson } from '../../src/pipelines/encoders/ndjson.ts'
import { parquet } from '../../src/pipelines/encoders/parquet.ts'
import type { Row, TableSchema } from '../../src/pipelines/schema/columnTypes.ts'

const table: TableSchema = {
  name: 'T',
  key: [],
  columns: [
    { name: 'at', type: 'int32', nullable: false },
    { name: 'noise', type: 'string', nullable: false },
  ],
}
/** Text that no compression makes small. */
const noise = (count: number): Row[] =>
  Array.from({ length: count }, (_, at) => ({
    at,
    noise: Array.from({ length: 20 }, () => Math.random().toString(36)).join(''),
  }))

let disk = ''
let why = ''
beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'narrowcast-full-'))
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', folder], {
    encoding: 'utf8',
  })
  if (mounted.status === 0) disk = folder
  else {
    why = `no small filesystem could be mounted: ${mounted.stderr || mounted.error?.message}`
    await rm(folder, { recursive: true })
  }
})
afterAll(async () => {
  if (disk === '') return
  expect(spawnSync('umount', [disk]).status).toBe(0)
  await rm(disk, { recursive: true })
})

const encoders: readonly (readonly [string, Encoder])[] = [
  ['parquet', parquet({ rowsPerGroup: 200 })],
  ['ndjson zstd', ndjson()],
  ['ndjson gzip', ndjson({ compression: 'gzip' })],
  ['ndjson none', ndjson({ compression: 'none' })],
]

describe.each(encoders)('%s on a full disk:', (_, encoder) => {
  test('the file is gone, the trouble is the disk’s, and there is room again', async (context) => {
    if (disk === '') context.skip(why)
    const path = join(disk, 'x.inprogress')
    const filling = async () => {
      await using file = await encoder.open(path, table)
      for (let at = 0; at < 20; at++) await file.append(noise(500))
      await file.finish()
    }
    await expect(filling()).rejects.toMatchObject({
      code: 'DISK_FULL',
      definite: true,
      retryable: true,
      message: expect.stringContaining(`write ${path} failed: ENOSPC`),
    })
    expect(await readdir(disk)).toEqual([])

    await using file = await encoder.open(path, table)
    await file.append(noise(500))
    expect((await file.finish()).rows).toBe(500)
    await rm(path)
  })

  test('also when it is the last bytes that do not fit', async (context) => {
    if (disk === '') context.skip(why)
    const ballast = join(disk, 'ballast')
    const path = join(disk, 'x.inprogress')
    await using file = await encoder.open(path, table)
    // Few enough rows that an encoder still holds some of them.
    await file.append(noise(30))
    await writeFile(ballast, Buffer.alloc(512 * 1024)).catch((error: NodeJS.ErrnoException) => {
      expect(error.code).toBe('ENOSPC')
    })
    const rest = async () => {
      for (let at = 0; at < 20; at++) await file.append(noise(30))
      await file.finish()
    }
    await expect(rest()).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect(await readdir(disk)).toEqual(['ballast'])
    await rm(ballast)
  })
})
