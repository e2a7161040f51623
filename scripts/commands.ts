/** A program that Node runs, from the root of the project. */
export type Step = readonly [program: string, ...args: string[]]

const biome = 'node_modules/@biomejs/biome/bin/biome'
const tsc = 'node_modules/typescript/bin/tsc'
const vitest = 'node_modules/vitest/vitest.mjs'

/**
 * What `npm run NAME` does, step by step; the first failure ends it. Words after `--` go to the
 * last step.
 */
export const commands: Readonly<Record<string, readonly Step[]>> = {
  /** All tests, and a count of them at the end. */
  test: [['scripts/test.ts']],
  /** What every change needs: lint, types, unit tests. */
  check: [
    [biome, 'check', '.'],
    [tsc, '-p', '.'],
    // One set of modules for all files takes half the time; `test` gives each its own.
    [vitest, 'run', '--project', 'unit', '--no-isolate', '--maxWorkers=100%'],
  ],
  /** Workers and brokers killed at random instants, at full length. */
  'test:kill': [['test/faults/queueKillLong.ts'], ['test/faults/kill.ts']],
  /** Twenty runs of the demo, a seed each, a line each. */
  'demo:seeds': [['test/e2e/demoSeeds.ts']],
  bench: [['bench/main.ts']],
  build: [['scripts/build.ts']],
  /** Writes what is made from tables: see generate.ts. */
  generate: [['scripts/generate.ts']],
  format: [[biome, 'check', '--write', '.']],
}
