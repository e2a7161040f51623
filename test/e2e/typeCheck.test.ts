import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '../..')

/** What test/types.test.ts says must not compile is only seen here. */
test('everything compiles, and what must not does not', () => {
  const tsc = 'node_modules/typescript/bin/tsc'
  const { stdout, status } = spawnSync(process.execPath, [tsc, '-p', '.'], {
    cwd: root,
    encoding: 'utf8',
  })
  expect(stdout).toBe('')
  expect(status).toBe(0)
})
