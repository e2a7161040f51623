import { type FileHandle, mkdtemp, open, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { TableSchema } from '../schema/columnTypes.ts'
import { ndjson } from './ndjson.ts'
import { parquet } from './parquet.ts'

const table: TableSchema = {
  name: 'T',
  key: [],
  columns: [{ name: 'a', type: 'int32', nullable: false }],
}
const rows = Array.from({ length: 100 }, (_, a) => ({ a }))

let folder = ''
/** What every file handle is made of. */
let handles: Pick<FileHandle, 'write' | 'datasync'>
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'narrowcast-broken-'))
  await using handle = await open(folder)
  handles = Object.getPrototypeOf(handle)
})
afterEach(() => {
  vi.restoreAllMocks()
})
afterAll(() => rm(folder, { recursive: true }))

const failing = (code: string) =>
  Object.assign(new Error(`${code}: the disk said no`), { code, errno: -5, syscall: 'x' })

describe.each([
  ['parquet', parquet, { rowsPerGroup: 10 }],
  ['ndjson', ndjson, { compression: 'gzip' }],
] as const)('%s on a disk that fails:', (_, make, options) => {
  const path = () => join(folder, 'x.inprogress')

  test.each([
    ['EIO', 'STORE_UNUSABLE'],
    ['ENOSPC', 'DISK_FULL'],
    ['EDQUOT', 'DISK_FULL'],
  ])('a sync with %s is %s, never tried again, and the file is gone', async (system, code) => {
    const sync = vi.spyOn(handles, 'datasync').mockRejectedValue(failing(system))
    await using file = await make(options).open(path(), table)
    await file.append(rows)
    await expect(file.finish()).rejects.toMatchObject({
      code,
      message: expect.stringContaining(`sync ${path()} failed: ${system}`),
    })
    expect(sync).toHaveBeenCalledOnce()
    expect(await readdir(folder)).toEqual([])
    await expect(file.finish()).rejects.toMatchObject({ code: 'CLOSED' })
  })

  test('a write that fails is told by append or finish', async () => {
    vi.spyOn(handles, 'write').mockRejectedValue(failing('EIO'))
    await using file = await make(options).open(path(), table)
    const all = async () => {
      await file.append(rows)
      await file.finish()
    }
    await expect(all()).rejects.toMatchObject({ code: 'STORE_UNUSABLE' })
    expect(await readdir(folder)).toEqual([])
  })

  test('a short write goes on where it stopped', async () => {
    const original = handles.write as (
      this: FileHandle,
      bytes: Uint8Array,
      from: number,
      length: number,
    ) => Promise<unknown>
    vi.spyOn(handles, 'write').mockImplementation(function (
      this: FileHandle,
      bytes: Uint8Array,
      from: number,
      length: number,
    ) {
      return original.call(this, bytes, from, Math.min(length, 7))
    } as FileHandle['write'])
    await using file = await make(options).open(path(), table)
    await file.append(rows)
    const { bytes } = await file.finish()
    vi.restoreAllMocks()
    await using handle = await open(path())
    expect((await handle.stat()).size).toBe(bytes)
    await rm(path())
  })

  test('synced unless told not to', async () => {
    const sync = vi.spyOn(handles, 'datasync')
    for (const [durability, times] of [
      [undefined, 1],
      ['fsync', 1],
      ['os', 0],
    ] as const) {
      sync.mockClear()
      await using file = await make(options).open(path(), table)
      await file.append(rows)
      await file.finish(durability)
      expect(sync).toHaveBeenCalledTimes(times)
      await rm(path())
    }
  })
})
