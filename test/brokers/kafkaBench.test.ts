import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect } from 'vitest'
import { testKafka } from './kafkaHere.ts'

const root = join(import.meta.dirname, '../..')

testKafka(
  'a quick run of the Kafka benchmark loses nothing, and holds every target against a figure',
  { timeout: 240_000 },
  async ({ onTestFinished }) => {
    const bench = spawn(process.execPath, ['bench/main.ts', 'kafka', '--quick'], { cwd: root })
    onTestFinished(() => void bench.kill('SIGTERM')) // its broker ends with it
    const [[code], out, trouble] = await Promise.all([
      once(bench, 'exit'),
      text(bench.stdout),
      text(bench.stderr),
    ])
    expect(code, trouble).toBe(0)
    for (const one of [
      'queue, 100 B',
      'queue, 1 KB',
      'stream of 2',
      '200 mess',
      'one at',
      'start',
    ]) {
      expect(out).toContain(`\n${one}`)
    }
    expect(out).not.toContain('BROKEN')
    expect(out.match(/^(met|MISS) /gm)?.length).toBe(14)
    expect(out).toContain('Not saved')
  },
)
