import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, onTestFinished, test } from 'vitest'
import { disk } from '../disk.ts'
import { isKeptOut, tryLocks } from './lockTrial.ts'

const unknownKind = 0x12345678

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'narrowcast-lock-'))
  onTestFinished(() => rm(made, { recursive: true }))
  return made
}

test('a held lock keeps a second process out; one that nobody holds does not', async () => {
  const path = join(await folder(), 'trial')
  const db = new DatabaseSync(path)
  expect(await isKeptOut(path)).toBe(false)
  db.exec('BEGIN EXCLUSIVE')
  expect(await isKeptOut(path)).toBe(true)
  db.close()
})

test('an unknown kind of disk is tried, and nothing is left of the trial', async () => {
  const root = await folder()
  await expect(tryLocks(disk('os'), unknownKind, join(root, 'trial'))).resolves.toBe(undefined)
  expect(await readdir(root)).toEqual([])
})

test('a folder in which no lock can be taken is refused', async () => {
  const trial = tryLocks(disk('os'), unknownKind, join(await folder(), 'no', 'such', 'folder'))
  await expect(trial).rejects.toMatchObject({ code: 'STORE_UNUSABLE' })
})
