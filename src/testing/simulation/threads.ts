import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
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

/** Schedules that a thread is given at once. */
const portion = 250
/** Most of a schedule is garbage at its end: room for many keeps it from being copied. */
const youngMegabytesMax = 192

/** A thread that runs schedules, with a mutant if one is given. */
export class SimulationThread implements AsyncDisposable {
  readonly #thread: Worker

  constructor(mutant: Mutant | null = null) {
    this.#thread = new Worker(new URL('./thread.ts', import.meta.url), {
      workerData: mutant,
      execArgv: [],
      resourceLimits: { maxYoungGenerationSizeMb: youngMegabytesMax },
    })
  }

  /** One call at a time. Rejects when the thread dies. */
  async run(seeds: Seeds): Promise<Simulated> {
    this.#thread.postMessage(seeds)
    const [simulated] = await once(this.#thread, 'message')
    return simulated as Simulated
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#thread.terminate()
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
    await using thread = new SimulationThread()
    while (next < end && failed.length === 0) {
      const seeds = { first: next, count: Math.min(portion, end - next) }
      next += seeds.count
      const simulated = await thread.run(seeds)
      done += simulated.count
      tally.addAll(simulated.counts)
      failed.push(...simulated.failed)
    }
  }

  await Promise.all(Array.from({ length: availableParallelism() }, work))
  failed.sort((a, b) => a.seed - b.seed)
  return { count: done, counts: tally.counts, failed }
}
