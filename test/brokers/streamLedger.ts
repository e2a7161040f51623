import assert from 'node:assert/strict'
import type { Ordering } from '../../src/core/channel.ts'
import type { Delivery, Settlement, SettleOutcome } from '../../src/core/message.ts'

/** One message on its way through the group. */
interface Entry {
  readonly id: string
  readonly key: string | null
  /** Its place among all that came at once; what came later has none. */
  readonly place: number | null
  holder: Holder | null
  isEnded: boolean
  failures: number
  crashes: number
  wasSkipped: boolean
  /** Not handed out before, by our own clock. */
  notBeforeMs: number
}

export interface Holder {
  readonly name: string
  /** Its lease may have ended, or may end at any time. */
  isAsleep: boolean
  readonly held: Map<number, Entry>
}

/**
 * A naive account of one group, for a store whose time is its own: it knows what may happen next
 * to each message, and is told what did.
 */
export class StreamLedger {
  readonly #entries = new Map<string, Entry>()
  readonly #order: Ordering
  #places = 0

  constructor(order: Ordering) {
    this.#order = order
  }

  came(id: string, key: string | null, notBeforeMs: number): void {
    this.#entries.set(id, {
      ...{ id, key, holder: null, isEnded: false, failures: 0, crashes: 0, wasSkipped: false },
      ...{ place: notBeforeMs > 0 ? null : ++this.#places, notBeforeMs },
    })
  }

  took(holder: Holder, deliveries: readonly Delivery[]): void {
    if (deliveries.some(({ crashes }) => crashes !== 0)) assert.equal(deliveries.length, 1)
    for (const { token, message, failures, crashes } of deliveries) {
      const entry = this.#entries.get(message.id)
      assert.ok(entry, `${message.id} was never published`)
      assert.ok(!entry.isEnded, `${entry.id} comes after its end`)
      this.#leave(entry)
      assert.deepEqual([failures, crashes], [entry.failures, entry.crashes], `of ${entry.id}`)
      assert.ok(performance.now() >= entry.notBeforeMs, `${entry.id} comes before its time`)
      this.#checkTurn(entry)
      entry.holder = holder
      holder.held.set(token.serial, entry)
    }
  }

  /** `sentMs`: when it was sent, by our own clock. */
  settled(holder: Holder, settlement: Settlement, outcome: SettleOutcome, sentMs: number): void {
    const entry = holder.held.get(settlement.token.serial)
    assert.ok(entry, 'only what is held is settled')
    if (outcome === 'late') {
      assert.ok(holder.isAsleep, `${entry.id} was lost to a reader that was awake`)
      return
    }
    holder.held.delete(settlement.token.serial)
    entry.holder = null
    if (settlement.kind === 'ack' || settlement.kind === 'dead') {
      entry.isEnded = true
      return
    }
    entry.notBeforeMs = notBefore(sentMs, settlement.delayMs)
    if (settlement.kind !== 'retry') return
    entry.failures = settlement.failures
    if (settlement.delayMs > 0 && this.#order === 'skip') entry.wasSkipped = true
  }

  /** The reader ended in order: nobody is charged. */
  closed(holder: Holder): void {
    for (const entry of holder.held.values()) entry.holder = null
    holder.held.clear()
  }

  openIds(): string[] {
    return [...this.#entries.values()].flatMap(({ id, isEnded }) => (isEnded ? [] : id))
  }

  /** Who had it lost it: to the end of its lease, and that is a crash. */
  #leave(entry: Entry): void {
    const { holder } = entry
    if (holder === null) return
    assert.ok(holder.isAsleep, `${entry.id} is handed out while ${holder.name} has it`)
    for (const [serial, held] of holder.held) if (held === entry) holder.held.delete(serial)
    entry.holder = null
    entry.crashes++
  }

  /** Nobody has another one of its key, and those before it have ended, or were skipped. */
  #checkTurn(entry: Entry): void {
    if (this.#order === 'none' || entry.key === null) return
    for (const other of this.#entries.values()) {
      if (other === entry || other.key !== entry.key || other.isEnded) continue
      assert.ok(other.holder === null, `${entry.id} is handed out beside ${other.id}`)
      const isBefore = other.place !== null && entry.place !== null && other.place < entry.place
      assert.ok(!isBefore || other.wasSkipped, `${entry.id} is handed out before ${other.id}`)
    }
  }
}

/** The server counts in whole milliseconds, from when it is told: that is not before it was sent. */
export const notBefore = (sentMs: number, delayMs: number): number => sentMs + delayMs - 2
