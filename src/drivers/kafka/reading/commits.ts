import { setTimeout as sleep } from 'node:timers/promises'
import type { Ordering } from '../../../core/channel.ts'
import type { Signature } from '../group/membership.ts'
import { noteText } from '../group/note.ts'
import type { Committed, Offsets } from '../group/offsets.ts'
import type { Entry } from './entry.ts'
import type { PartitionLog } from './partitionLog.ts'

export interface CommitsOptions {
  readonly offsets: Offsets
  readonly signature: () => Signature
  /** What is ours now is so until this changes. */
  readonly tenure: () => number
  /** What is signed so now would be signed so again: who is refused is a member no more. */
  readonly isCurrent: (signature: Signature) => boolean
  readonly disowned: () => void
  /** What was held back until the group knows what was settled before it may be handed out. */
  readonly freed: () => void
  /** In which this source hands out. */
  readonly order: Ordering
}

/** Between two: a server writes each into a log of its own. */
const everyMs = 20
const againMs = 100
const putDownMsMax = 5_000
const none: ReadonlyMap<number, number> = new Map()
/** Unlike any note: what follows is news. */
const unknownNote = '?'

/** Tells the group how far all is settled: one at a time, and always the newest. */
export class Commits {
  readonly #of: CommitsOptions
  readonly #dirty = new Set<PartitionLog>()
  /** The one that is on its way: two could swap. */
  #last: Promise<unknown> = Promise.resolve()
  #isRunning = false
  /** Rounds of what is told. */
  #begun = 0
  #done = 0
  /** Notes have no failures in them. */
  #isBrief = false
  #isOver = false

  constructor(options: CommitsOptions) {
    this.#of = options
  }

  /** Something was settled there, or is to be noted. */
  settled(log: PartitionLog): void {
    this.#dirty.add(log)
    if (this.#isRunning) return
    this.#isRunning = true
    void this.#run()
  }

  /**
   * Before it is handed out: when this process ends now, the first that is not settled of a partition
   * counts it. Resolves when the group knows, however long its members change, or when it is not wanted
   * or not ours any more: what ends its owner at once each time would otherwise come for ever.
   */
  async charge(entry: Entry, isWanted: () => boolean = () => true): Promise<void> {
    const { log } = entry
    if (!log.isFirst(entry)) return
    if (!log.isCharged) {
      log.isCharged = true
      log.charging = this.#charge(log, () => isWanted() && !log.isLeaving)
    }
    await log.charging
  }

  /** It was given back: the end of its owner counts for nothing. Where that cannot be noted it does. */
  uncharge(entry: Entry): void {
    const { log } = entry
    if (!log.isFirst(entry) || !log.isCharged) return
    log.isCharged = false
    this.#note(log, log.crashesAtFirst).catch(() => {})
  }

  /** Resolves when the group knows all that was to be told when it was called. */
  async noted(): Promise<void> {
    const wanted = this.#begun + 1
    while (this.#isRunning && this.#done < wanted && !this.#isOver) {
      await sleep(everyMs, undefined, { ref: false })
    }
  }

  /** Resolves when what is on its way has its answer. */
  async known(): Promise<void> {
    await this.#last
  }

  /** Resolves when the group knows how far these are settled, and that nobody has anything of them in hand. */
  async putDown(logs: readonly PartitionLog[]): Promise<void> {
    for (const log of logs) this.#dirty.delete(log)
    // Once they are lost, what is signed would be about what is somebody else's.
    const tenure = this.#of.tenure()
    const deadlineMs = performance.now() + putDownMsMax
    for (;;) {
      try {
        const make = () => logs.flatMap((log) => this.#unknownOf(log))
        await this.#commit(make, () => {}, tenure)
        return
      } catch (error) {
        if (!(error instanceof NotNow) || performance.now() > deadlineMs) throw error
      }
      await sleep(againMs, undefined, { ref: false })
    }
  }

  close(): void {
    this.#isOver = true
    this.#dirty.clear()
  }

  async #run(): Promise<void> {
    while (this.#dirty.size > 0 && !this.#isOver) {
      const round = ++this.#begun
      const logs = [...this.#dirty]
      this.#dirty.clear()
      try {
        await this.#advance(logs)
        this.#done = round
        await sleep(everyMs, undefined, { ref: false })
      } catch {
        for (const log of logs) this.#dirty.add(log)
        await sleep(againMs, undefined, { ref: false })
      }
    }
    this.#isRunning = false
  }

  async #advance(all: readonly PartitionLog[]): Promise<void> {
    let logs: PartitionLog[] = []
    const make = () => {
      const news = all.flatMap((log) => {
        const note = this.#noteOf(log)
        return !log.isGone && isNews(log, note) ? [{ log, note }] : []
      })
      logs = news.map(({ log }) => log)
      return news.map(({ note }) => note)
    }
    await this.#commit(make, (notes) => {
      const heldBack = logs.filter((log) => log.isHeldBack)
      for (const [at, log] of logs.entries()) {
        const { offset, note } = notes[at] as Committed
        log.told(offset)
        log.committedNote = note
      }
      if (heldBack.some((log) => !log.isHeldBack)) this.#of.freed()
    })
  }

  async #charge(log: PartitionLog, isWanted: () => boolean): Promise<void> {
    while (!log.isGone && !this.#isOver && isWanted()) {
      try {
        await this.#note(log, log.crashesAtFirst + 1)
        return
      } catch {
        // It may have been noted all the same.
        log.committedNote = unknownNote
        await sleep(againMs, undefined, { ref: false })
      }
    }
    log.isCharged = false
    if (log.committedNote === unknownNote) this.settled(log)
  }

  async #note(log: PartitionLog, crashes: number): Promise<void> {
    const make = () => (isAtFirst(log) && !log.isGone ? [this.#noteOf(log, crashes)] : [])
    await this.#commit(make, ([note]) => {
      if (note === undefined) return
      log.committedCrashes = crashes
      log.committedNote = note.note
    })
  }

  /** `crashes`: of the first, while nothing was settled since it became ours. */
  #noteOf(log: PartitionLog, crashes = log.committedCrashes): Committed {
    const { topic, partition, watermark, failures } = log
    const { order } = this.#of
    const noted = this.#isBrief ? none : failures
    const note = { crashes: isAtFirst(log) ? crashes : 0, order, failures: noted }
    return { topic, partition, offset: watermark, note: noteText(watermark, note) }
  }

  /** Of one that is put down: nobody has anything of it in hand. */
  #unknownOf(log: PartitionLog): Committed[] {
    const note = this.#noteOf(log, log.crashesAtFirst)
    return isNews(log, note) ? [note] : []
  }

  /**
   * What is made when its turn has come; `done`: before that of the next one is made. `tenure`: only
   * while what was ours then is.
   * @throws where it is not known to be done
   */
  async #commit(
    make: () => Committed[],
    done: (notes: readonly Committed[]) => void,
    tenure = this.#of.tenure(),
  ): Promise<void> {
    const committing = this.#last.then(async () => {
      const notes = make()
      if (notes.length === 0) return
      if (tenure !== this.#of.tenure()) throw new Error('another has it now')
      const signature = this.#of.signature()
      const said = await this.#of.offsets.commit(notes, signature)
      if (said === 'done') {
        done(notes)
        return
      }
      // A broker that takes less than others: what fails begins anew with the next owner.
      if (said === 'too-long') this.#isBrief = true
      if (said === 'disowned' && this.#of.isCurrent(signature)) this.#of.disowned()
      throw tenure === this.#of.tenure() ? new NotNow('the members change') : new Error('no member')
    })
    this.#last = committing.catch(() => {})
    await committing
  }
}

const isNews = (log: PartitionLog, { offset, note }: Committed) =>
  offset > log.committed || note !== log.committedNote

/** It may be done soon. */
class NotNow extends Error {}

const isAtFirst = ({ watermark, firstOffset }: PartitionLog) => watermark === firstOffset
