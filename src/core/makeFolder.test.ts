import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { makeFolder } from './makeFolder.ts'

let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'narrowcast-folder-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

test('makes what is missing, for the owner alone where that is asked', () => {
  mkdirSync(join(dir, 'a'))
  makeFolder(join(dir, 'a/b/c'), 0o700)
  expect(statSync(join(dir, 'a/b/c')).mode & 0o777).toBe(0o700)
  expect(statSync(join(dir, 'a/b')).mode & 0o777).toBe(0o700)
  makeFolder(join(dir, 'a/b/c'))
})

test('a file in its place', () => {
  writeFileSync(join(dir, 'file'), '')
  expect(() => makeFolder(join(dir, 'file'))).toThrow(/^EEXIST.*file'$/)
  expect(() => makeFolder(join(dir, 'file/below/it'))).toThrow(/^(EEXIST|ENOTDIR)/)
})

// The recursive form of Node never comes back here.
test.runIf(process.platform === 'linux')('a link into the file system of the kernel', () => {
  symlinkSync('/proc', join(dir, 'link'))
  expect(() => makeFolder(join(dir, 'link/store/more'))).toThrow(/^ENOENT.*link\/store'$/)
})
