import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { type Happening, Tally } from './happenings.ts'
import type { Mutant } from './mutant.ts'

/** Seeds that follow one another. */
export interface Seeds {
  readonly first: number
  readonly count: number
}

export interface SeedProblems {
  readonly seed: number
  readonly problems: readonly string[]
}

/** What came of some schedules: all, or up to the first that broke a promise. */
export interface Simulated {
  readonly count: number
  readonly counts: ReadonlyMap<Happening, number>
  /** By seed; empty when every promise was kept. */
  readonly failed: readonly SeedProblems[]
}

/** Schedules that a child is given at once. */
const portion = 250
/** Most of a schedule is garbage at its end: room for many keeps it from being copied. */
const semiSpaceMegabytesMax = 64

/**
 * A process that runs schedules, with a mutant if one is given. No thread: dozens that start and
 * end one after another have crashed the process which they are part of.
 */
export class SimulationChild implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #ended: Promise<never>

  constructor(mutant: Mutant | null = null) {
    this.#child = fork(
      fileURLToPath(new URL('./child.ts', import.meta.url)),
      [JSON.stringify(mutant)],
      {
        execArgv: [`--max-semi-space-size=${semiSpaceMegabytesMax}`],
        serialization: 'advanced',
      },
    )
    this.#ended = once(this.#child, 'exit').then(([code, signal]) => {
      throw new Error(`the process that runs schedules ended with ${signal ?? code}`)
    })
    this.#ended.catch(() => {}) // a run tells of it; without one there is nothing to tell
  }

  /** One call at a time. Rejects when the child dies. */
  async run(seeds: Seeds): Promise<Simulated> {
    this.#child.send(seeds)
    const [simulated] = await Promise.race([once(this.#child, 'message'), this.#ended])
    return simulated as Simulated
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended.catch(() => {})
  }
}

/** Runs all schedules, on every core. Stops early at the first that breaks a promise. */
export async function simulateAll({ first, count }: Seeds): Promise<Simulated> {
  const end = first + count
  const tally = new Tally()
  const failed: SeedProblems[] = []
  let next = first
  let done = 0

  async function work(): Promise<void> {
    await using child = new SimulationChild()
    while (next < end && failed.length === 0) {
      const seeds = { first: next, count: Math.min(portion, end - next) }
      next += seeds.count
      const simulated = await child.run(seeds)
      done += simulated.count
      tally.addAll(simulated.counts)
      failed.push(...simulated.failed)
    }
  }

  await Promise.all(Array.from({ length: availableParallelism() }, work))
  failed.sort((a, b) => a.seed - b.seed)
  return { count: done, counts: tally.counts, failed }
}
