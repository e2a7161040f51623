/**
 * Runs the demo with many seeds, one line each; ends with 1 when one of them is not KEPT.
 * node test/e2e/demoSeeds.ts [--seeds 20] [--first 1] [--play 6s] [--parallel 1]
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { demoFolder, processesIn, startDemo } from './demoProcess.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '20' },
    first: { type: 'string', default: '1' },
    play: { type: 'string', default: '6s' },
    parallel: { type: 'string', default: '1' },
  },
})
const first = Number(values.first)
const seeds = Array.from({ length: Number(values.seeds) }, (_, at) => first + at)

interface Result {
  readonly verdict: string
  readonly delivered: number
  readonly redelivered: number
  readonly skipped: number
  readonly lost: number
  readonly duplicated: number
  readonly duration_ms: number
  readonly why?: readonly string[]
}

/** True when it is KEPT and left nothing running. */
async function trySeed(seed: number): Promise<boolean> {
  const { dir, remove } = demoFolder()
  const run = startDemo(dir, ['--json', '--play', values.play, '--seed', String(seed)])
  const code = await run.ended
  const left = process.platform === 'linux' ? processesIn(dir).length : 0
  const isGood = code === 0 && left === 0
  const result = run.stdout === '' ? null : (JSON.parse(run.stdout) as Result)
  const numbers = result
    ? `lost ${result.lost} duplicated ${result.duplicated} delivered ${result.delivered} redelivered ${result.redelivered} skipped ${result.skipped} in ${(result.duration_ms / 1_000).toFixed(1)} s`
    : run.stderr.trim()
  const word = result?.verdict.toUpperCase() ?? `exit ${code}`
  const rest = left > 0 ? `, ${left} processes left` : ''
  const why = result?.why ? `: ${result.why.join('; ')}; kept in ${dir}` : ''
  process.stdout.write(`seed ${seed}  ${word}  ${numbers}${rest}${why}\n`)
  if (isGood) remove()
  return isGood
}

const waiting = [...seeds]
let kept = 0
const lanes = Math.min(Number(values.parallel), availableParallelism())
await Promise.all(
  Array.from({ length: lanes }, async () => {
    for (let seed = waiting.shift(); seed !== undefined; seed = waiting.shift()) {
      if (await trySeed(seed)) kept++
    }
  }),
)
process.stdout.write(`${kept} of ${seeds.length} KEPT\n`)
process.exitCode = kept === seeds.length ? 0 : 1
