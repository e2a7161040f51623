import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { findRedisProgram } from '../../src/lab/brokers/redisProgram.ts'

const root = join(import.meta.dirname, '../..')

test('a quick run of the Redis benchmark loses nothing, and holds every target against a figure', {
  timeout: 240_000,
}, async ({ skip, onTestFinished }) => {
  if ((await findRedisProgram()) === null) return skip('no redis-server on the PATH')
  const bench = spawn(process.execPath, ['bench/main.ts', 'redis', '--quick'], { cwd: root })
  onTestFinished(() => void bench.kill('SIGKILL'))
  const [[code], out, trouble] = await Promise.all([
    once(bench, 'exit'),
    text(bench.stdout),
    text(bench.stderr),
  ])
  expect(code, trouble).toBe(0)
  for (const one of ['queue, 100 B', 'stream, 1 KB', 'broadcast', 'narrowcast', 'idle', 'memory']) {
    expect(out).toContain(`\n${one}`)
  }
  expect(out).not.toContain('BROKEN')
  expect(out.match(/^(met|MISS) /gm)?.length).toBe(23)
  expect(out).toContain('Not saved')
})
