import type { Entry } from './entry.ts'
import type { PartitionLog } from './partitionLog.ts'

/** Of what waits behind others of its key so much is kept here. */
const countMax = 10_000
const sizeMax = 32 * 1_048_576

interface Waiting {
  readonly entry: Entry
  /** Where it was published; null: it has its place where it came. */
  readonly place: number | null
}

interface Turn {
  holder: Entry
  readonly waiting: Waiting[]
}

/**
 * One of a key at a time. All of a key lie in one partition of the channel, and beside it in those of
 * the same number, which have the same owner: here all is known that must wait for each other.
 */
export class Turns {
  readonly #channel: string
  readonly #partitions = new Map<number, Map<string, Turn>>()
  #count = 0
  #size = 0

  constructor(channel: string) {
    this.#channel = channel
  }

  /** More of what must wait has no room. */
  get isFull(): boolean {
    return this.#count >= countMax || this.#size >= sizeMax
  }

  /** Whether it may be handed out; else it waits here until it is passed the turn of its key. */
  admit(entry: Entry): boolean {
    const { key } = entry.read.message
    if (key === null) return true
    const keys = this.#keysOf(entry.log)
    const turn = keys.get(key)
    if (turn === undefined) {
      keys.set(key, { holder: entry, waiting: [] })
      return true
    }
    if (turn.holder === entry) return true
    const place = this.#placeOf(entry)
    insert(turn.waiting, { entry, place })
    this.#count++
    this.#size += entry.bytes
    return false
  }

  /** It is done: the next of its key. */
  pass(entry: Entry): Entry | null {
    const { key } = entry.read.message
    if (key === null) return null
    const keys = this.#keysOf(entry.log)
    const turn = keys.get(key)
    if (turn?.holder !== entry) return null
    const next = turn.waiting.shift()?.entry
    if (next === undefined) {
      keys.delete(key)
      return null
    }
    turn.holder = next
    this.#count--
    this.#size -= next.bytes
    return next
  }

  /** They are somebody else's. */
  forget(logs: readonly PartitionLog[]): void {
    for (const { partition } of logs) {
      for (const { waiting } of this.#partitions.get(partition)?.values() ?? []) {
        this.#count -= waiting.length
        for (const { entry } of waiting) this.#size -= entry.bytes
      }
      this.#partitions.delete(partition)
    }
  }

  #keysOf({ partition }: PartitionLog): Map<string, Turn> {
    const found = this.#partitions.get(partition)
    if (found) return found
    const keys = new Map<string, Turn>()
    this.#partitions.set(partition, keys)
    return keys
  }

  /** What is tried again has the place of what failed; what was delayed comes when it is due. */
  #placeOf({ log, record, read }: Entry): number | null {
    if (log.topic === this.#channel) return record.offset
    return read.past.failures > 0 ? Number(read.position.split('-')[1]) : null
  }
}

function insert(waiting: Waiting[], one: Waiting): void {
  let at = waiting.length
  while (at > 0 && isBefore(one.place, waiting[at - 1]?.place ?? null)) at--
  waiting.splice(at, 0, one)
}

const isBefore = (a: number | null, b: number | null) => a !== null && b !== null && a < b
