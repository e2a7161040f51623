import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { makePlace, shownPath } from './place.ts'

let base = ''
const temporary: string[] = []
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'narrowcast-place-'))
})
afterEach(() => {
  for (const dir of [base, ...temporary.splice(0)]) rmSync(dir, { recursive: true, force: true })
})

test('a second run takes the next number and leaves the first alone', () => {
  const wanted = join(base, 'deep', 'demo')
  expect(makePlace(wanted)).toEqual({ dir: wanted, instead: null })
  writeFileSync(join(wanted, 'data', 'kept'), 'x')
  expect(makePlace(wanted).dir).toBe(`${wanted}-2`)
  expect(makePlace(wanted).dir).toBe(`${wanted}-3`)
  expect(readdirSync(join(wanted, 'data'))).toEqual(['kept'])
})

test('an empty folder that is there already is used', () => {
  const wanted = join(base, 'empty')
  mkdirSync(wanted)
  expect(makePlace(wanted).dir).toBe(wanted)
})

test('a place that cannot be written means a temporary folder, and says so', () => {
  const file = join(base, 'file')
  writeFileSync(file, '')
  const place = makePlace(join(file, 'demo'))
  temporary.push(place.dir)
  expect(place.dir.startsWith(join(tmpdir(), 'narrowcast-demo-'))).toBe(true)
  expect(place.instead).toMatch(/cannot write .* \(ENOTDIR\); using /)
})

test.skipIf(process.getuid?.() === 0)('so does a folder without permission', () => {
  chmodSync(base, 0o500)
  const place = makePlace(join(base, 'demo'))
  temporary.push(place.dir)
  chmodSync(base, 0o700)
  expect(place.instead).toContain('EACCES')
})

test('paths are shown as people type them', () => {
  expect(shownPath('/a/b/c', '/a')).toBe('b/c')
  expect(shownPath('/a/b', '/a/b/c')).toBe('/a/b')
})
