import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { fileSystemOf, fingerprint } from './fingerprint.ts'

const made: string[] = []

async function ownFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'narrowcast-fingerprint-'))
  made.push(folder)
  return folder
}

afterEach(async () => {
  for (const folder of made.splice(0)) await rm(folder, { recursive: true })
})

test('a folder has a time to sync, and nothing is left in it', async () => {
  const folder = await ownFolder()
  const { syncMs } = await fingerprint(folder)
  expect(syncMs).toBeGreaterThan(0)
  expect(await readdir(folder)).toEqual([])
})

test('it names neither host nor folder', async () => {
  const folder = await ownFolder()
  const texts = Object.values(await fingerprint(folder)).map(String)
  for (const text of texts) {
    expect(text).not.toContain(folder)
    expect(text).not.toBe(hostname())
  }
})

test('what cannot be had is null, and no error', async () => {
  const folder = join(await ownFolder(), 'gone')
  expect(await fingerprint(folder)).toMatchObject({ fileSystem: null, syncMs: null })
})

test('the file system is that of the innermost mount', async () => {
  const folder = await ownFolder()
  const inner = join(folder, 'inner')
  await mkdir(inner)
  const mounts = `/dev/a / ext4 rw 0 0\nb ${inner} tmpfs rw 0 0\n`
  expect(fileSystemOf(inner, () => mounts)).toBe('tmpfs')
  expect(fileSystemOf(folder, () => mounts)).toBe('ext4')
  expect(fileSystemOf(folder, () => null)).toBeNull()
})
