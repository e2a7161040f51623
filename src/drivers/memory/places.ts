import { Heap } from './heap.ts'
import { Lanes } from './lanes.ts'
import { type Item, newItem, type Stored } from './message.ts'
import { Slots } from './slots.ts'

const bySeq = (a: Item, b: Item) => a.stored.seq < b.stored.seq

/** Where each message of a line is that is neither untouched nor at its end. */
export class Places {
  readonly #items = new Slots<Item>()
  /** Given back, retried or due by now: older than all that is untouched. */
  readonly #back = new Heap<Item>(bySeq)
  /** They took an owner down already: handed out first, and apart. */
  readonly #suspects = new Heap<Item>((a, b) =>
    a.crashes === b.crashes ? bySeq(a, b) : a.crashes < b.crashes,
  )
  readonly #scheduled = new Heap<Item>((a, b) =>
    a.dueMs === b.dueMs ? bySeq(a, b) : a.dueMs < b.dueMs,
  )

  /** Order by key; null: none. */
  #lanes: Lanes | null = null

  get ready(): number {
    return this.#back.size + this.#suspects.size
  }

  /** They wait, but another one of their key comes first. */
  get behind(): number {
    return this.#lanes?.behind ?? 0
  }

  get scheduled(): number {
    return this.#scheduled.size
  }

  get hasSuspects(): boolean {
    return this.#suspects.size > 0
  }

  /** The least sequence number here; Infinity when there is none. */
  get firstSeq(): number {
    return this.#items.firstKey()
  }

  /** Monotonic; Infinity when nothing is scheduled. */
  get nextDueMs(): number {
    return this.#scheduled.peek()?.dueMs ?? Number.POSITIVE_INFINITY
  }

  get(seq: number): Item | undefined {
    return this.#items.get(seq)
  }

  values(): Item[] {
    return [...this.#items.values()]
  }

  /** Among them is the oldest of what is ready. */
  oldest(): Stored[] {
    const back = this.#back.peek()
    return [...this.#suspects.values, ...(back ? [back] : [])].map(({ stored }) => stored)
  }

  /** Among them is the oldest of what is behind. */
  oldestBehind(): Stored[] {
    return (this.#lanes?.first() ?? []).map(({ stored }) => stored)
  }

  /** All that waits takes its place anew, its oldest first. Nobody may have anything in hand. */
  arrange(isByKey: boolean): void {
    const waiting = this.values().filter(({ place }) => place !== 'scheduled')
    this.#lanes = isByKey ? new Lanes() : null
    this.#back.clear()
    this.#suspects.clear()
    for (const item of this.#items.values()) item.turn = 0
    for (const item of waiting) this.makeReady(item)
  }

  /** An untouched message that is handed out now. */
  touch(stored: Stored): Item {
    const item = newItem(stored)
    this.#items.add(stored.seq, item)
    return item
  }

  /** A message that comes in, but is not due yet. */
  enter(stored: Stored, dueMs: number): void {
    this.schedule(this.touch(stored), dueMs)
  }

  makeReady(item: Item): void {
    if (this.#lanes && !this.#lanes.enter(item)) {
      item.place = 'behind'
      return
    }
    item.place = 'waiting'
    if (item.crashes > 0) this.#suspects.push(item)
    else this.#back.push(item)
  }

  schedule(item: Item, dueMs: number): void {
    item.place = 'scheduled'
    item.dueMs = dueMs
    this.#scheduled.push(item)
  }

  promote(nowMs: number): void {
    for (let item = this.#scheduled.peek(); item && item.dueMs <= nowMs; ) {
      this.#scheduled.pop()
      this.makeReady(item)
      item = this.#scheduled.peek()
    }
  }

  /** The next that is ready: a suspect as long as there is one. */
  peek(): Item | undefined {
    return this.#suspects.peek() ?? this.#back.peek()
  }

  /** Takes what `peek` has shown. */
  pop(): void {
    if (this.#suspects.size > 0) this.#suspects.pop()
    else this.#back.pop()
  }

  /** The message has come to its end, or is gone. */
  end(item: Item): void {
    this.#items.delete(item.stored.seq)
    if (item.place === 'scheduled') this.#scheduled.remove(item)
    else if (item.place === 'waiting') (item.crashes > 0 ? this.#suspects : this.#back).remove(item)
    this.stepAside(item)
  }

  /** The rest of its key goes on without it. */
  stepAside(item: Item): void {
    const next = this.#lanes?.leave(item)
    if (next) this.makeReady(next)
  }

  /** Forgets all but what somebody has in hand. */
  purge(): void {
    for (const item of this.values()) {
      if (item.place !== 'in-flight') this.#items.delete(item.stored.seq)
    }
    this.#back.clear()
    this.#suspects.clear()
    this.#scheduled.clear()
    this.#lanes?.purge()
  }

  clear(): void {
    this.purge()
    this.#items.clear()
    if (this.#lanes) this.#lanes = new Lanes()
  }
}
