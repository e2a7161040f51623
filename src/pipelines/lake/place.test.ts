import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Disk, disk } from '../disk.ts'
import { place } from './place.ts'

const real = disk('os')
let root = ''

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'narrowcast-place-'))
  await mkdir(join(root, '_tmp'))
})
afterEach(async () => {
  await rm(root, { recursive: true })
})

async function moves(count: number) {
  const all = Array.from({ length: count }, (_, n) => ({
    temp: `_tmp/o-c-${n}.inprogress`,
    path: `T/date=2026-01-0${(n % 9) + 1}/part-${n}`,
  }))
  for (const [n, { temp }] of all.entries()) await writeFile(join(root, temp), String(n))
  return all
}

/** Another process moves everything right after the first look at a path that ends like this. */
function raced(end: string, all: Awaited<ReturnType<typeof moves>>): Disk {
  let isDone = false
  return {
    ...real,
    async exists(path) {
      const found = await real.exists(path)
      if (!isDone && path.endsWith(end)) {
        isDone = true
        await place(real, root, all)
      }
      return found
    },
  }
}

describe('files come into place', () => {
  test('and every folder with a new name is synced, parents included', async () => {
    const synced: string[] = []
    const listening: Disk = {
      ...real,
      async syncFolder(path) {
        synced.push(path.slice(root.length))
      },
    }
    const all = await moves(2)
    await place(listening, root, all)
    expect(synced.sort()).toEqual(['', '/T', '/T/date=2026-01-01', '/T/date=2026-01-02'])
    expect(await readFile(join(root, all[1]?.path ?? ''), 'utf8')).toBe('1')
  })

  test('under folders that another worker made: their parents are synced once', async () => {
    const synced: string[] = []
    const listening: Disk = {
      ...real,
      async syncFolder(path) {
        synced.push(path.slice(root.length))
      },
    }
    const days = new Set<string>()
    const all = await moves(2)
    await mkdir(join(root, 'T/date=2026-01-01'), { recursive: true })
    await place(listening, root, all.slice(0, 1), days)
    expect(synced.splice(0).sort()).toEqual(['', '/T', '/T/date=2026-01-01'])
    await place(listening, root, all.slice(0, 1), days)
    expect(synced.splice(0)).toEqual(['/T/date=2026-01-01'])
    await place(listening, root, all.slice(1), days)
    expect(synced.sort()).toEqual(['', '/T', '/T/date=2026-01-02'])
  })

  test('and parents whose sync failed are synced again', async () => {
    let isBroken = true
    const synced: string[] = []
    const broken: Disk = {
      ...real,
      async syncFolder(path) {
        if (isBroken) throw Object.assign(new Error('EIO'), { code: 'EIO', errno: -5 })
        synced.push(path.slice(root.length))
      },
    }
    const days = new Set<string>()
    const all = await moves(1)
    await expect(place(broken, root, all, days)).rejects.toMatchObject({ code: 'STORE_UNUSABLE' })
    isBroken = false
    await place(broken, root, all, days)
    expect(synced.sort()).toEqual(['', '/T', '/T/date=2026-01-01'])
  })

  test('once, when it is done twice, or by four at once', async () => {
    const all = await moves(200)
    await Promise.all([1, 2, 3, 4].map(() => place(real, root, all)))
    await place(real, root, all)
    for (const [n, { path }] of all.entries()) {
      expect(await readFile(join(root, path), 'utf8')).toBe(String(n))
    }
  })

  test.for(['part-0', '.inprogress'])(
    'when another process moves them after the look at %s',
    async (end) => {
      const all = await moves(3)
      await place(raced(end, all), root, all)
      expect(await readFile(join(root, all[2]?.path ?? ''), 'utf8')).toBe('2')
    },
  )
})

describe('a lake is damaged', () => {
  test('where a file is neither here nor there', async () => {
    const all = await moves(1)
    await rm(join(root, all[0]?.temp ?? ''))
    await expect(place(real, root, all)).rejects.toMatchObject({ code: 'LAKE_DAMAGED' })
  })

  test('where the name is taken: both files stay as they are', async () => {
    const all = await moves(1)
    const [{ temp, path }] = all as [(typeof all)[number]]
    await mkdir(join(root, path, '..'), { recursive: true })
    await writeFile(join(root, path), 'mine')
    await expect(place(real, root, all)).rejects.toMatchObject({ code: 'LAKE_DAMAGED' })
    expect(await readFile(join(root, path), 'utf8')).toBe('mine')
    expect(await readFile(join(root, temp), 'utf8')).toBe('0')
  })
})
