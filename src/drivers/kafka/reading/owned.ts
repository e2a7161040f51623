import { setTimeout as sleep } from 'node:timers/promises'
import type { Committed, Offsets, Place } from '../group/offsets.ts'
import type { Entry } from './entry.ts'
import { PartitionLog } from './partitionLog.ts'

export interface OwnedOptions {
  readonly offsets: Offsets
  /** Where the group begins in a partition of the channel that it has not read yet. */
  readonly begin: (place: Place) => number
  /** The group may know nothing of it yet: until it does, another reader would begin elsewhere. */
  readonly began: (log: PartitionLog) => void
}

/** One partition that is ours, be it found yet how far the group is there or not. */
interface Claim {
  readonly partition: number
  readonly logs: PartitionLog[]
  isGone: boolean
}

/** The places that are read for a partition of the channel. */
export type PlacesOf = (partition: number) => readonly Place[]

const againMs = 100

/** The partitions that are ours now, and what has come of all of them and is not settled. */
export class Owned {
  readonly #of: OwnedOptions
  readonly #claims = new Set<Claim>()
  readonly #logs = new Set<PartitionLog>()
  #count = 0
  #size = 0
  #isOver = false
  /** Null: nobody waits for it. */
  #change: PromiseWithResolvers<void> | null = null

  constructor(options: OwnedOptions) {
    this.#of = options
  }

  get all(): ReadonlySet<PartitionLog> {
    return this.#logs
  }

  /** What may be handed out, and what is: settled it is no more. */
  get held(): { readonly count: number; readonly size: number } {
    return { count: this.#count, size: this.#size }
  }

  /** What may be handed out now. */
  get waiting(): number {
    let sum = 0
    for (const log of this.#logs) sum += log.waiting
    return sum
  }

  /** Resolves when it is known how far the group is in each, or they were given up meanwhile. */
  async add(partitions: readonly number[], placesOf: () => Promise<PlacesOf>): Promise<void> {
    const claims = partitions.map((partition): Claim => ({ partition, logs: [], isGone: false }))
    for (const claim of claims) this.#claims.add(claim)
    for (;;) {
      const open = claims.filter(({ isGone }) => !isGone)
      if (open.length === 0 || this.#isOver) return
      try {
        return await this.#find(open, await placesOf())
      } catch {
        await sleep(againMs, undefined, { ref: false }) // the coordinator is on its way elsewhere
      }
    }
  }

  /** Those of these partitions, or all: they are ours no more, however far they have come. */
  giveUp(partitions: readonly number[] | 'all'): PartitionLog[] {
    const logs: PartitionLog[] = []
    for (const claim of this.#claims) {
      if (partitions !== 'all' && !partitions.includes(claim.partition)) continue
      this.#claims.delete(claim)
      claim.isGone = true
      for (const log of claim.logs) this.#remove(log)
      logs.push(...claim.logs)
    }
    this.changed()
    return logs
  }

  /** What is still looked for is looked for no more. */
  close(): void {
    this.#isOver = true
  }

  /** It may be handed out: it takes room. */
  came({ log, bytes }: Entry): void {
    if (log.isGone) return
    log.held.count++
    log.held.size += bytes
    this.#count++
    this.#size += bytes
  }

  settled({ log, bytes }: Entry): void {
    if (log.isGone) return
    log.held.count--
    log.held.size -= bytes
    this.#count--
    this.#size -= bytes
    this.changed()
  }

  /** The oldest that may be handed out; null: there is none. */
  next(): Entry | null {
    let oldest: Entry | null = null
    for (const log of this.#logs) {
      const { next } = log
      if (next === undefined || log.isLeaving || log.isHeldBack) continue
      if (oldest === null || timeOf(next) < timeOf(oldest)) oldest = next
    }
    return oldest
  }

  /** Begins nothing more of these, and resolves when nothing of them is in hand, or after that time. */
  async idle(partitions: readonly number[], msMax: number): Promise<void> {
    const leaving = [...this.#logs].filter(({ partition }) => partitions.includes(partition))
    for (const log of leaving) log.isLeaving = true
    const over = AbortSignal.timeout(msMax)
    const isBusy = () => leaving.some((log) => !log.isGone && log.inHand > 0)
    while (isBusy() && !over.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>()
      over.addEventListener('abort', () => resolve())
      this.#change ??= Promise.withResolvers()
      await Promise.race([this.#change.promise, promise])
    }
  }

  changed(): void {
    this.#change?.resolve()
    this.#change = null
  }

  async #find(claims: readonly Claim[], placesOf: PlacesOf): Promise<void> {
    const places = claims.flatMap(({ partition }) => placesOf(partition))
    const known = await this.#of.offsets.fetch(places)
    const byKey = new Map(known.map((one) => [keyOf(one), one]))
    for (const claim of claims) {
      if (claim.isGone) continue
      for (const place of placesOf(claim.partition)) {
        const log = this.#logOf(place, byKey.get(keyOf(place)))
        claim.logs.push(log)
        this.#logs.add(log)
        this.#of.began(log)
      }
    }
  }

  #logOf(place: Place, known: Committed | undefined): PartitionLog {
    if (known === undefined) return new PartitionLog(place, this.#of.begin(place), null)
    return new PartitionLog(place, known.offset, known.note)
  }

  #remove(log: PartitionLog): void {
    this.#logs.delete(log)
    log.isGone = true
    this.#count -= log.held.count
    this.#size -= log.held.size
  }
}

const keyOf = ({ topic, partition }: Place) => `${topic}:${partition}`
const timeOf = ({ read, record }: Entry) => read.past.dueMs ?? record.timestampMs
