import { noteIn } from '../group/note.ts'
import type { Place } from '../group/offsets.ts'
import type { Entry } from './entry.ts'

/** So much of it may be in hand or settled behind one that is not: all that comes again in a crash. */
const beyondMax = 1_000
/** So many may be tried again in their places: their failures are noted where the group is. */
const failingMax = 300
/** So many behind one that ended its owner are counted like it, each when it comes first. */
const countedMax = 16
/** After so many that are gone the room they took is given back. */
const compactAfter = 1_024

/**
 * One partition while it is ours: what came of it in order, and how far all of it is settled. It is put
 * down as a whole; when it comes again it is another one.
 */
export class PartitionLog {
  readonly topic: string
  readonly topicId?: string
  readonly partition: number
  /** From where the next is fetched. */
  nextOffset: number
  /** As the group knows it; -1: it knows nothing of it. */
  committed: number
  /** What is noted there. */
  committedNote: string
  /** Of those that are retried in their place, by their offsets. */
  readonly failures: Map<number, number>
  /** The one that is counted: what comes first when it becomes ours, or behind one that ended its owner. */
  firstOffset: number
  /** How often an owner ended with that one in hand. */
  crashesAtFirst: number
  /** What the group was told of the crashes of that message. */
  committedCrashes: number
  /** It goes to another reader: nothing of it is begun any more. */
  isLeaving = false
  isGone = false
  /** Since when a look has found more there than had come; null: the last one found nothing. */
  behindSinceMs: number | null = null
  #entries: Entry[] = []
  /** Everything before it is settled. */
  #head = 0
  #waiting: Entry[] = []
  #nextWaiting = 0
  #beyond = 0
  #inHand = 0
  /** So many more are counted, each when it comes first. */
  #toCount: number
  /** Nothing has come yet. */
  #isFresh = true
  /** What of it may be handed out, or is: see Owned. */
  readonly held = { count: 0, size: 0 }

  /** The group knows, or is about to be told, that its first message is in hand. */
  isCharged = false
  /** Resolves when it knows, or need not. */
  charging: Promise<void> = Promise.resolve()

  /** `note`: null where the group knows nothing of it yet. */
  constructor(place: Place, offset: number, note: string | null) {
    const { topic, topicId, partition } = place
    if (topicId !== undefined) this.topicId = topicId
    const { crashes, failures } = noteIn(offset, note)
    this.topic = topic
    this.partition = partition
    this.nextOffset = offset
    this.committed = note === null ? -1 : offset
    this.committedNote = note ?? ''
    this.failures = new Map(failures)
    this.firstOffset = offset
    this.crashesAtFirst = crashes
    this.committedCrashes = crashes
    this.#toCount = crashes > 0 ? countedMax : 0
  }

  /** The first offset that is not settled, or not here yet. */
  get watermark(): number {
    return this.#entries[this.#head]?.record.offset ?? this.nextOffset
  }

  /** Nothing was settled here since, and `entry` is what comes next. */
  isFirst({ record }: Entry): boolean {
    return this.watermark === this.firstOffset && record.offset === this.firstOffset
  }

  /**
   * The one that ended an owner is in hand, or settled and the group does not know: when the next one
   * ended this owner too, that one would be taken for the cause.
   */
  get isHeldBack(): boolean {
    if (this.crashesAtFirst === 0) return false
    return this.watermark > this.firstOffset || this.head?.state === 'out'
  }

  /** The group knows of all before this offset that it is settled. */
  told(offset: number): void {
    this.committed = offset
    if (offset === this.firstOffset) return
    this.committedCrashes = 0
    if (this.#toCount === 0) return
    this.#toCount--
    this.#count(offset)
  }

  #count(offset: number): void {
    this.firstOffset = offset
    this.crashesAtFirst = 0
    this.committedCrashes = 0
    this.isCharged = false
  }

  /** Settled or in hand, before all before it is settled. */
  get beyond(): number {
    return this.#beyond
  }

  /** No more of it is read now. */
  get isFull(): boolean {
    return this.#beyond >= beyondMax || this.failures.size >= failingMax
  }

  get waiting(): number {
    return this.#waiting.length - this.#nextWaiting
  }

  /** A handler has them. */
  get inHand(): number {
    return this.#inHand
  }

  /** The first that is not settled; undefined: it is not here yet. */
  get head(): Entry | undefined {
    return this.#entries[this.#head]
  }

  /** The one that is handed out next. */
  get next(): Entry | undefined {
    return this.#waiting[this.#nextWaiting]
  }

  /** With what it has failed where it is retried in its place. */
  failuresOf({ record, read }: Entry): number {
    return this.failures.get(record.offset) ?? read.past.failures
  }

  /** How often owners of this one have ended with it in hand. */
  crashesOf({ record, read }: Entry): number {
    const isFirst = record.offset === this.firstOffset
    return read.past.crashes + (isFirst ? this.crashesAtFirst : 0)
  }

  /** In the order of their offsets. `later`: not to be handed out yet. */
  add(entry: Entry, isLater: boolean): void {
    const { offset } = entry.record
    // The one that was counted is there no more: retention, or another program, has taken it.
    if (this.#isFresh && offset > this.firstOffset) this.#count(offset)
    this.#isFresh = false
    this.#entries.push(entry)
    if (!isLater) this.#waiting.push(entry)
  }

  take(): Entry {
    const entry = this.#waiting[this.#nextWaiting++] as Entry
    if (this.#nextWaiting > compactAfter) {
      this.#waiting = this.#waiting.slice(this.#nextWaiting)
      this.#nextWaiting = 0
    }
    entry.state = 'out'
    this.#beyond++
    this.#inHand++
    return entry
  }

  /** It may be handed out, now or again. */
  putBack(entry: Entry): void {
    if (entry.state === 'out') {
      this.#beyond--
      this.#inHand--
    }
    entry.state = 'waiting'
    entry.sinceMs = performance.now()
    const { offset } = entry.record
    let at = this.#nextWaiting
    while ((this.#waiting[at]?.record.offset ?? Number.POSITIVE_INFINITY) < offset) at++
    this.#waiting.splice(at, 0, entry)
  }

  /** It was given back, and waits until it may be handed out again. */
  rest(entry: Entry): void {
    entry.state = 'waiting'
    this.#beyond--
    this.#inHand--
  }

  settled(entry: Entry): void {
    if (entry.state === 'out') this.#inHand--
    else this.#beyond++
    entry.state = 'settled'
    this.failures.delete(entry.record.offset)
    while (this.#entries[this.#head]?.state === 'settled') {
      this.#head++
      this.#beyond--
    }
    if (this.#head <= compactAfter) return
    this.#entries = this.#entries.slice(this.#head)
    this.#head = 0
  }
}
