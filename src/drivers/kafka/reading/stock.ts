import type { Ordering, ReaderSpec } from '../../../core/channel.ts'
import type { Room } from '../../../core/driver.ts'
import type { NarrowcastError } from '../../../core/errors.ts'
import type { Cluster, Topic } from '../cluster/cluster.ts'
import type { Offsets } from '../group/offsets.ts'
import { failed } from '../wire/copies.ts'
import { read, type StoredRecord } from '../wire/message.ts'
import type { Commits } from './commits.ts'
import type { Entry } from './entry.ts'
import { Fetching } from './fetching.ts'
import { Later } from './later.ts'
import { Owned } from './owned.ts'
import type { PartitionLog } from './partitionLog.ts'
import type { Retry } from './settling.ts'
import { Turns } from './turns.ts'

export interface StockOptions {
  /** Of the channel: the type of what names none. */
  readonly name: string
  readonly cluster: Cluster
  readonly topic: Topic
  /** What is read beside it. */
  readonly helpers: readonly Topic[]
  readonly order: Ordering
  readonly hold: ReaderSpec['hold']
  /** Where a group begins that nobody could note it of yet; empty: that is known. */
  readonly begins: readonly number[]
  readonly offsets: Offsets
  readonly commits: Commits
  /** Stores it once more at the end of where it waits; false where that is not possible now. */
  readonly isCopied: (entry: Entry) => Promise<boolean>
  /** There may be something to hand out. */
  readonly changed: () => void
  /** The topic is not there any more. */
  readonly gone: (error: NarrowcastError) => void
}

/** What is not due yet is moved behind so many that are settled. */
const moveOnAfter = 250
/** Where it is due before that it is not worth it. */
const moveOnMsLeast = 5_000

/**
 * What has come of the partitions that are ours and is not settled: what may be handed out, what waits
 * for its time or for others of its key, and what is in hand.
 */
export class Stock {
  readonly #of: StockOptions
  readonly #fetching: Fetching<PartitionLog>
  readonly #owned: Owned
  readonly #later: Later
  /** Null: what has the same key is handed out side by side. */
  readonly #turns: Turns | null
  /** Resolves when it is known how far the group is in what was assigned last. */
  #found: Promise<void> = Promise.resolve()
  #isChanged = false
  #isStopped = false
  #isClosed = false

  constructor(options: StockOptions) {
    const { cluster, topic, order, begins, offsets, commits, gone } = options
    this.#of = options
    this.#owned = new Owned({
      offsets,
      // Of what is read beside it nothing was ever read by others.
      begin: (place) => (place.topic === topic.name ? (begins[place.partition] ?? 0) : 0),
      began: (log) => commits.settled(log),
    })
    this.#turns = order === 'none' ? null : new Turns(topic.name)
    this.#later = new Later((entry) => {
      if (!entry.log.isGone && this.#turns?.admit(entry) !== false) this.#hasTurn(entry)
    })
    this.#fetching = new Fetching({
      cluster,
      logs: () => this.#owned.all,
      room: () => this.#room(),
      isWorthAsking: () => this.#isWorthAsking(),
      isFull: (log) => log.isFull || this.#later.isFull(log.topic),
      failed: gone,
      came: (log, records) => this.#came(log, records),
    })
  }

  get logs(): readonly PartitionLog[] {
    return [...this.#owned.all]
  }

  get found(): Promise<void> {
    return this.#found
  }

  /** They are ours from now on: they are read from where the group is. */
  assigned(partitions: readonly number[]): void {
    if (this.#isClosed) return
    const { cluster, topic, helpers } = this.#of
    const names = [topic, ...helpers].map(({ name }) => name)
    const placesOf = async () => {
      const found = await cluster.topics(names)
      // Of what is read beside it there may be fewer than of the channel.
      const isThere = (name: string, partition: number) =>
        name === topic.name || partition < (found.get(name)?.partitions.length ?? 0)
      return (partition: number) =>
        names
          .filter((name) => isThere(name, partition))
          .map((name) => ({ ...idOf(found.get(name)), topic: name, partition }))
    }
    this.#found = this.#owned.add(partitions, placesOf)
    void this.#found.then(() => {
      if (!this.#isClosed) this.#fetching.look()
    })
  }

  /** Hands out nothing more of these; resolves when nothing of them is in hand, or after that time. */
  async idle(partitions: readonly number[], msMax: number): Promise<void> {
    await this.#owned.idle(partitions, msMax)
  }

  /** Ours no more: what of it is in hand is for the caller to tell. */
  giveUp(partitions: readonly number[] | 'all'): readonly PartitionLog[] {
    const logs = this.#owned.giveUp(partitions)
    const gone = new Set(logs)
    this.#turns?.forget(logs)
    this.#later.drop(({ log }) => gone.has(log))
    this.#fetching.look()
    return logs
  }

  /** The oldest, as many as there is room for: they are in hand. One that crashed its owner comes alone. */
  take(room: Room): Entry[] {
    const taken: Entry[] = []
    let bytes = 0
    while (taken.length < room.messages) {
      const entry = this.#owned.next()
      if (entry === null) break
      const isSuspect = entry.log.crashesOf(entry) > 0
      bytes += entry.read.message.bytes
      if (taken.length > 0 && (bytes > room.bytes || isSuspect)) break
      entry.log.take()
      taken.push(entry)
      if (isSuspect) break
    }
    if (taken.length > 0) this.#changed()
    return taken
  }

  settled(entry: Entry): void {
    const { log } = entry
    const hadRoom = entry.state === 'out'
    log.settled(entry)
    if (hadRoom) this.#owned.settled(entry)
    else this.#later.drop((one) => one === entry)
    this.#of.commits.settled(log)
    const next = this.#turns?.pass(entry) ?? null
    if (next !== null) this.#hasTurn(next)
    this.#changed()
    const { head } = log
    if (log.beyond < moveOnAfter || head === undefined || !this.#later.has(head)) return
    const leftMs = (head.read.past.dueMs ?? 0) - Date.now()
    if (log.topic !== this.#of.topic.name && leftMs > moveOnMsLeast) void this.#moveOn(head)
  }

  /** It may be handed out again, after so many ms. */
  released(entry: Entry, delayMs: number): void {
    const { log } = entry
    this.#of.commits.uncharge(entry)
    if (delayMs > 0) {
      log.rest(entry)
      this.#owned.settled(entry)
      this.#later.add(entry, delayMs)
    } else {
      log.putBack(entry)
      this.#owned.changed()
    }
    this.#changed()
  }

  /** It has failed and stays in its place. Resolves when the group has noted it. */
  async retried(entry: Entry, { failures, error, delayMs }: Retry): Promise<void> {
    const { log, read, record } = entry
    const { commits } = this.#of
    entry.read = { ...read, past: failed(read.past, failures, error, null) }
    log.failures.set(record.offset, failures)
    this.released(entry, delayMs)
    commits.settled(log)
    await commits.noted()
  }

  /** Nothing more is fetched to be handed out. */
  stop(): void {
    this.#isStopped = true
  }

  /** Nothing more comes, be it due or not. What is ours stays so until it is given up. */
  close(): void {
    this.#isStopped = true
    this.#isClosed = true
    this.#fetching.close()
    this.#owned.close()
    this.#later.close()
  }

  /** Who fetches and who receives look again: once for all that is settled in this turn. */
  #changed(): void {
    if (this.#isChanged) return
    this.#isChanged = true
    queueMicrotask(() => {
      this.#isChanged = false
      this.#fetching.look()
      this.#of.changed()
    })
  }

  /** A quarter is free, or there is nothing that could be handed out. */
  #isWorthAsking(): boolean {
    const { messages, ahead = 0 } = this.#of.hold
    return this.#room().messages * 4 >= messages + ahead || this.#owned.waiting === 0
  }

  #room() {
    const { messages, bytes, ahead = 0 } = this.#of.hold
    const { count, size } = this.#owned.held
    if (this.#isStopped || this.#turns?.isFull) return { messages: 0, bytes: 0 }
    return { messages: messages + ahead - count, bytes: bytes - size }
  }

  #came(log: PartitionLog, records: readonly StoredRecord[]): void {
    const nowMs = Date.now()
    const sinceMs = performance.now()
    for (const record of records) {
      const one = read(record, this.#of.name)
      const bytes = (record.value?.length ?? 0) + (record.key?.length ?? 0)
      const entry: Entry = { log, record, read: one, bytes, sinceMs, state: 'waiting' }
      const waitMs = (one.past.dueMs ?? 0) - nowMs
      const isNow = waitMs <= 0 && this.#turns?.admit(entry) !== false
      log.add(entry, !isNow)
      if (waitMs > 0) this.#later.add(entry, waitMs)
      else if (isNow) this.#owned.came(entry)
    }
    this.#of.changed()
  }

  /**
   * What is not due for long, and behind which much is settled: all that would come again with it. It
   * is moved to the end of where it waits.
   */
  async #moveOn(entry: Entry): Promise<void> {
    this.#later.drop((one) => one === entry) // it is not due before that is done
    const isMoved = await this.#of.isCopied(entry)
    if (entry.log.isGone || this.#isClosed) return
    if (isMoved) {
      this.settled(entry)
      return
    }
    this.#later.add(entry, Math.max(0, (entry.read.past.dueMs ?? 0) - Date.now()))
  }

  /** It may be handed out. */
  #hasTurn(entry: Entry): void {
    entry.log.putBack(entry)
    this.#owned.came(entry)
    this.#of.changed()
  }
}

const idOf = (topic: Topic | undefined) => (topic === undefined ? {} : { topicId: topic.id })
