import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { calibrate } from './calibrate.ts'
import { isHarnessBound } from './harnessBound.ts'

let folder = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'narrowcast-calibrate-'))
})

afterEach(() => rmSync(folder, { recursive: true }))

test('the lab has a ceiling, and leaves nothing of its search for it', async () => {
  expect(await calibrate(folder)).toBeGreaterThan(0)
  expect(readdirSync(folder)).toEqual([])
})

test('a disk that is full ends it, and leaves nothing there', async () => {
  const body = JSON.stringify(join(import.meta.dirname, 'calibrate.ts'))
  const script = `
    import { calibrate } from ${body}
    process.on('SIGXFSZ', () => {})
    const code = await calibrate(${JSON.stringify(folder)}).catch(({ code }) => code)
    process.stdout.write(String(code))`
  const program = join(folder, 'full.mts')
  writeFileSync(program, script)
  const command = `ulimit -f 1; exec "$0" "$1"`
  // What it compiled would be a file, too.
  const env = { ...process.env, NODE_DISABLE_COMPILE_CACHE: '1' }
  const words = ['-c', command, process.execPath, program]
  const { stdout } = await promisify(execFile)('sh', words, { env })
  expect(stdout).toBe('DISK_FULL')
  expect(readdirSync(folder)).toEqual(['full.mts'])
})

test.for([
  [10_000, 20_000, false],
  [10_001, 20_000, true],
  [25_000, 20_000, true],
] as const)(
  '%i messages/s of %i at most are bound by the harness: %s',
  ([rate, ceiling, isBound]) => {
    expect(isHarnessBound(rate, ceiling)).toBe(isBound)
  },
)
