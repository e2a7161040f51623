import assert from 'node:assert/strict'
import type { Ordering } from '../../src/core/channel.ts'
import type { Clock } from '../../src/core/clock.ts'
import type { Depth } from '../../src/core/driver.ts'
import type { Delivery, Settlement, SettleOutcome } from '../../src/core/message.ts'

/** One message on its way through the group, as a reader of the rules would keep it. */
interface Entry {
  readonly id: string
  readonly key: string | null
  /** Its place among all that came; a delayed one has none that is known to the millisecond. */
  readonly place: number | null
  state: 'waiting' | 'held' | 'later' | 'ended'
  dueMs: number
  failures: number
  crashes: number
  wasSkipped: boolean
}

export interface Holder {
  readonly name: string
  isAlive: boolean
  deadlineMs: number
  readonly held: Map<number, Entry>
}

/** A naive model of one group read by key: it looks at every message, every time. */
export class KeyOrderModel {
  readonly #order: Ordering
  readonly #leaseMs: number
  readonly #entries = new Map<string, Entry>()
  readonly holders: Holder[] = []
  readonly #clock: Clock
  #places = 0

  constructor(order: Ordering, leaseMs: number, clock: Clock) {
    this.#clock = clock
    this.#order = order
    this.#leaseMs = leaseMs
  }

  get #nowMs(): number {
    return this.#clock.monotonicMs()
  }

  open(name: string): Holder {
    const holder = { name, isAlive: true, deadlineMs: this.#nowMs + this.#leaseMs, held: new Map() }
    this.holders.push(holder)
    return holder
  }

  came(id: string, key: string | null, delayMs: number): void {
    this.#entries.set(id, {
      ...{ id, key, place: delayMs > 0 ? null : ++this.#places },
      ...{ state: delayMs > 0 ? ('later' as const) : ('waiting' as const) },
      ...{ dueMs: this.#nowMs + delayMs, failures: 0, crashes: 0, wasSkipped: false },
    })
  }

  /** Time has passed: what is due waits, what a dead reader held too. */
  pass(): void {
    for (const holder of this.holders) {
      if (holder.isAlive) holder.deadlineMs = this.#nowMs + this.#leaseMs
      else if (this.#nowMs >= holder.deadlineMs) {
        for (const entry of holder.held.values()) {
          entry.crashes++
          entry.state = 'waiting'
        }
        holder.held.clear()
      }
    }
    for (const entry of this.#entries.values()) {
      if (entry.state === 'later' && entry.dueMs <= this.#nowMs) entry.state = 'waiting'
    }
  }

  took(holder: Holder, deliveries: readonly Delivery[]): void {
    if (deliveries.some(({ crashes }) => Number(crashes) > 0)) assert.equal(deliveries.length, 1)
    for (const { token, message, failures, crashes } of deliveries) {
      const entry = this.#entries.get(message.id)
      assert.ok(entry, `${message.id} was never published`)
      assert.equal(entry.state, 'waiting', `${entry.id} is handed out`)
      assert.deepEqual([failures, crashes], [entry.failures, entry.crashes], `of ${entry.id}`)
      this.#checkTurn(entry)
      entry.state = 'held'
      holder.held.set(token.serial, entry)
    }
  }

  settled(holder: Holder, { token, ...settlement }: Settlement, outcome: SettleOutcome): void {
    const entry = holder.held.get(token.serial)
    assert.equal(outcome, entry ? 'settled' : 'late')
    if (!entry) return
    holder.held.delete(token.serial)
    if (settlement.kind === 'ack' || settlement.kind === 'dead') entry.state = 'ended'
    else {
      entry.state = settlement.delayMs > 0 ? 'later' : 'waiting'
      entry.dueMs = this.#nowMs + settlement.delayMs
      if (settlement.kind === 'retry') {
        entry.failures = settlement.failures
        if (settlement.delayMs > 0 && this.#order === 'skip') entry.wasSkipped = true
      }
    }
  }

  /** The reader ends in order, and nobody is charged. */
  closed(holder: Holder): void {
    for (const entry of holder.held.values()) entry.state = 'waiting'
    holder.held.clear()
    holder.isAlive = false
  }

  removed(id: string): void {
    for (const { held } of this.holders) {
      for (const [serial, entry] of held) if (entry.id === id) held.delete(serial)
    }
    this.#entries.delete(id)
  }

  purged(): void {
    for (const { id, state } of [...this.#entries.values()]) {
      if (state === 'waiting' || state === 'later') this.#entries.delete(id)
    }
  }

  openIds(): string[] {
    return [...this.#entries.values()].flatMap(({ id, state }) => (state === 'ended' ? [] : id))
  }

  checkDepth({ waiting, inFlight, scheduled }: Depth): void {
    const count = (wanted: Entry['state']) =>
      [...this.#entries.values()].filter(({ state }) => state === wanted).length
    assert.deepEqual(
      { waiting, inFlight, scheduled },
      { waiting: count('waiting'), inFlight: count('held'), scheduled: count('later') },
    )
  }

  /** Nobody has another one of its key, and those that came before it have ended, or were skipped. */
  #checkTurn(entry: Entry): void {
    if (entry.key === null) return
    for (const other of this.#entries.values()) {
      if (other === entry || other.key !== entry.key || other.state === 'ended') continue
      assert.notEqual(other.state, 'held', `${entry.id} is handed out beside ${other.id}`)
      const isBefore = other.place !== null && entry.place !== null && other.place < entry.place
      assert.ok(!isBefore || other.wasSkipped, `${entry.id} is handed out before ${other.id}`)
    }
  }
}
