import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { Database } from './database.ts'
import { fillReserve, releaseReserve } from './reserve.ts'

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'narrowcast-reserve-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  return dir
}

test('a reserve that cannot be made harms nobody', async () => {
  const dir = folder()
  symlinkSync('reserve', join(dir, 'reserve')) // whoever looks at it meets an error
  const db = new Database(join(dir, 'store.db'))
  onTestFinished(() => db.close())
  await expect(fillReserve(db, dir)).resolves.toBeUndefined()
})

test('what cannot be given up hides no full disk', () => {
  const dir = folder()
  expect(releaseReserve(dir)).toBe(false)
  mkdirSync(join(dir, 'reserve'))
  expect(releaseReserve(dir)).toBe(false)
})

test('what a killed keeper has left of making it is given up too', () => {
  const dir = folder()
  writeFileSync(join(dir, 'reserve.new'), 'half')
  expect(releaseReserve(dir)).toBe(true)
  expect(existsSync(join(dir, 'reserve.new'))).toBe(false)
  expect(releaseReserve(dir)).toBe(false)
})
