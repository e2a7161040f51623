import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { checkJunit } from './junitFile.ts'

test('a file that can be written is not made before the run', () => {
  const folder = mkdtempSync(join(tmpdir(), 'narrowcast-junit-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const [fresh, there] = [join(folder, 'fresh.xml'), join(folder, 'there.xml')]
  writeFileSync(there, 'of the last run')
  checkJunit(fresh)
  checkJunit(there)
  expect(readdirSync(folder)).toEqual(['there.xml'])
  const refused = (path: string, why: string) =>
    expect(() => checkJunit(path)).toThrow(
      expect.objectContaining({
        ...{ code: 'INVALID_CONFIG', hint: expect.stringContaining('--junit checks.xml') },
        message: expect.stringContaining(`--junit: cannot write ${path}: ${why}`),
      }),
    )
  refused(folder, 'it is a folder')
  refused(join(folder, 'none', 'x.xml'), 'ENOENT')
  refused(join(there, 'x.xml'), 'ENOTDIR')
})
