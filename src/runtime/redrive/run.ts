import { type Clock, systemClock } from '../../core/clock.ts'
import type { PublishOutcome } from '../../core/message.ts'
import type { BusAdmin } from '../api.ts'
import { whole, wrongOption } from '../checks.ts'
import { DiedAgain } from './diedAgain.ts'
import type { PlannedLetter, RedrivePlan } from './plan.ts'

/** How far a redrive has come. Kept by `save`, it is all that going on needs. */
export interface RedriveProgress {
  /** Letters of the plan that are dealt with; the next one is here. */
  readonly at: number
  /** End of a batch that was begun and of which nothing is known; `at` where there is none. */
  readonly begunTo: number
  readonly moved: number
  /** Were no dead letters any more when their turn came. */
  readonly gone: number
  /** Were refused and still are dead letters. */
  readonly failed: number
  /** The broker did not say whether they were stored: they may be there twice. */
  readonly unsure: number
  /** Of a begun batch, sent once more: they may be there twice. */
  readonly repeated: number
  /** Of the moved ones, dead once more when it was last looked. */
  readonly diedAgain: number
}

export interface RedriveOptions {
  /** Messages a second. @default 50 */
  readonly ratePerS?: number
  /**
   * Stops when more than this share of what this run has moved died again; of fewer than 20 as if
   * they were 20. Null: never. @default 0.05
   */
  readonly diedAgainShareMax?: number | null
  /** What `save` was given last: goes on there. @default the beginning */
  readonly from?: RedriveProgress
  /** Awaited before and after every batch; a rejection ends the run. */
  readonly save?: (progress: RedriveProgress) => Promise<void>
  /** Is told of each letter that was refused, or of which the broker does not know. */
  readonly onTrouble?: (letter: PlannedLetter, outcome: RedriveTrouble) => void
  /** Ends it between two batches. */
  readonly signal?: AbortSignal
  readonly clock?: Clock
}

export type RedriveTrouble = Exclude<PublishOutcome, { state: 'stored' }>

export interface RedriveEnd {
  /** stopped: too many died again, or were refused one after the other. */
  readonly state: 'done' | 'cancelled' | 'stopped'
  /** Of a stop. */
  readonly why: string | null
  readonly progress: RedriveProgress
}

export const noProgress: RedriveProgress = {
  ...{ at: 0, begunTo: 0, moved: 0, gone: 0, failed: 0, unsure: 0, repeated: 0, diedAgain: 0 },
}

export const ratePerSDefault = 50
export const diedAgainShareDefault = 0.05
/** A share of fewer says nothing. */
const shareOfMin = 20
const refusedInARowMax = 20
const batchMax = 500
const batchesPerS = 5
const lookEveryMs = 1_000

/**
 * Sends the letters of a plan, the oldest first, at a rate. A letter leaves the dead ones once its
 * message is stored: whatever kills this process, nothing is lost. What `save` was told last and
 * the same plan go on where it broke off; only the batch then on its way is tried again.
 * @throws INVALID_ARGUMENT; what `redrive`, `deadLetters` and `save` throw, after which it can go on
 */
export async function runRedrive(
  admin: Pick<BusAdmin, 'redrive' | 'deadLetters'>,
  plan: RedrivePlan,
  options: RedriveOptions = {},
): Promise<RedriveEnd> {
  return new Run(admin, plan, options).end()
}

class Run {
  readonly #admin: Pick<BusAdmin, 'redrive' | 'deadLetters'>
  readonly #plan: RedrivePlan
  readonly #options: RedriveOptions
  readonly #clock: Clock
  readonly #signal: AbortSignal
  readonly #ratePerS: number
  readonly #shareMax: number | null
  readonly #diedAgain: DiedAgain
  #progress: RedriveProgress
  #refusedInARow = 0
  #lastRefusal = ''
  /** Dead again, by the last look. */
  #found = 0
  /** Monotonic; the next batch goes no earlier. */
  #nextMs: number
  #lookMs: number

  constructor(
    admin: Pick<BusAdmin, 'redrive' | 'deadLetters'>,
    plan: RedrivePlan,
    options: RedriveOptions,
  ) {
    this.#admin = admin
    this.#plan = plan
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#signal = options.signal ?? new AbortController().signal
    this.#ratePerS = whole('ratePerS', options.ratePerS, ratePerSDefault, 1)
    this.#shareMax = shareOf(options.diedAgainShareMax)
    this.#diedAgain = new DiedAgain(admin, plan)
    this.#progress = options.from ?? noProgress
    this.#nextMs = this.#clock.monotonicMs()
    this.#lookMs = this.#nextMs + lookEveryMs
  }

  async end(): Promise<RedriveEnd> {
    const before = this.#progress
    if (before.at > 0) await this.#look()
    // What died between two runs is no reason to stop this one.
    const foundBefore = this.#found
    const { length } = this.#plan.letters
    while (this.#progress.at < length) {
      await this.#clock.sleep(this.#nextMs - this.#clock.monotonicMs(), this.#signal)
      if (this.#signal.aborted) return this.#ended('cancelled', null)
      await this.#sendBatch()
      const isLast = this.#progress.at === length
      if (isLast || this.#clock.monotonicMs() >= this.#lookMs) await this.#look()
      const why = isLast ? null : this.#stopWhy(before.moved, foundBefore)
      if (why !== null) return this.#ended('stopped', why)
    }
    return this.#ended('done', null)
  }

  #ended(state: RedriveEnd['state'], why: string | null): RedriveEnd {
    return { state, why, progress: this.#progress }
  }

  async #sendBatch(): Promise<void> {
    const { letters, channel, to } = this.#plan
    const { at, begunTo } = this.#progress
    const isAgain = begunTo > at
    const size = Math.max(1, Math.min(batchMax, Math.floor(this.#ratePerS / batchesPerS)))
    const batch = letters.slice(at, isAgain ? begunTo : at + size)
    const now = this.#clock.monotonicMs()
    this.#nextMs = Math.max(this.#nextMs, now) + (batch.length / this.#ratePerS) * 1_000
    await this.#save({ ...this.#progress, begunTo: at + batch.length })
    const refs = batch.map(({ ref }) => ref)
    const outcomes = await this.#admin.redrive(channel, refs, to)
    const counted = { ...this.#progress, at: at + batch.length }
    batch.forEach((letter, n) => {
      counted[this.#count(letter, outcomes[n] as PublishOutcome, isAgain)]++
      if (isAgain && outcomes[n]?.state === 'stored') counted.repeated++
    })
    await this.#save(counted)
  }

  #count(
    letter: PlannedLetter,
    outcome: PublishOutcome,
    isAgain: boolean,
  ): 'moved' | 'gone' | 'failed' | 'unsure' {
    if (outcome.state === 'stored') {
      this.#refusedInARow = 0
      return 'moved'
    }
    // It was sent before the process was killed, which could not note it any more.
    if (outcome.state === 'refused' && outcome.code === 'NOT_FOUND') {
      return isAgain ? 'moved' : 'gone'
    }
    this.#options.onTrouble?.(letter, outcome)
    this.#refusedInARow++
    this.#lastRefusal = `${outcome.code}: ${outcome.message}`
    return outcome.state === 'refused' ? 'failed' : 'unsure'
  }

  async #look(): Promise<void> {
    this.#found = await this.#diedAgain.look()
    this.#lookMs = this.#clock.monotonicMs() + lookEveryMs
    // What was found in an earlier run may have been removed since.
    const diedAgain = Math.max(this.#progress.diedAgain, this.#found)
    if (diedAgain > this.#progress.diedAgain) await this.#save({ ...this.#progress, diedAgain })
  }

  #stopWhy(movedBefore: number, foundBefore: number): string | null {
    if (this.#refusedInARow >= refusedInARowMax) {
      return `the last ${this.#refusedInARow} were refused, ${this.#lastRefusal}`
    }
    const moved = this.#progress.moved - movedBefore
    const died = this.#found - foundBefore
    const limit = (this.#shareMax ?? Infinity) * Math.max(moved, shareOfMin)
    return died > limit ? `${died} of ${moved} died again` : null
  }

  async #save(progress: RedriveProgress): Promise<void> {
    this.#progress = progress
    await this.#options.save?.(progress)
  }
}

function shareOf(share: number | null = diedAgainShareDefault): number | null {
  if (share === null || (share >= 0 && share <= 1)) return share
  throw wrongOption('diedAgainShareMax', 'a share from 0 to 1, or null', share)
}
