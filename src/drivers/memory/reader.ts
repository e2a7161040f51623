import type { ReaderSpec, WorkerRef } from '../../core/channel.ts'
import type { LostWhy } from '../../core/driver.ts'
import type { Delivery, Token } from '../../core/message.ts'
import { handedOut, type Item } from './message.ts'
import { Slots } from './slots.ts'

/** Who hears of a reader: the source that was opened for it last. */
export interface Speaker {
  lost(tokens: readonly Token[], why: LostWhy): void
  /** Another source was opened for the same reader. */
  replaced(): void
}

/** One reader of one line: what it holds, by serial, and until when. */
export class Reader {
  readonly name: string
  readonly worker: WorkerRef
  readonly leaseMs: number
  readonly charge: ReaderSpec['charge']
  readonly held = new Slots<Item>()
  speaker: Speaker
  /** Held, but handed out again before anything else: their delivery never arrived (L4). */
  again: number[] = []
  /** Monotonic. */
  deadlineMs: number
  /** Ends the receive that waits, if one does. */
  endWait: (() => void) | null = null
  #begunSerial: number
  #lastSerial: number
  readonly #firstSerial: number
  /** Serials that were taken away while the reader lived. */
  readonly #voided = new Set<number>()

  constructor(spec: ReaderSpec, serialFloor: number, deadlineMs: number, speaker: Speaker) {
    this.name = spec.reader
    this.worker = spec.worker
    this.leaseMs = spec.leaseMs
    this.charge = spec.charge
    this.deadlineMs = deadlineMs
    this.speaker = speaker
    this.#firstSerial = serialFloor + 1
    this.#lastSerial = serialFloor
    this.#begunSerial = serialFloor
  }

  isLive(nowMs: number): boolean {
    return this.endWait !== null || nowMs < this.deadlineMs
  }

  get lastSerial(): number {
    return this.#lastSerial
  }

  give(item: Item, isBegun = false): Delivery {
    const { stored } = item
    const serial = ++this.#lastSerial
    item.place = 'in-flight'
    item.owner = this
    item.serial = serial
    this.held.add(serial, item)
    if (isBegun) this.#begunSerial = serial
    return {
      token: { reader: this.name, serial },
      message: handedOut(stored.message),
      failures: item.failures,
      crashes: item.crashes,
      redrives: stored.redrives,
      past: item.past,
      ownedUntilMs: this.deadlineMs,
      position: stored.position,
      isBegun,
    }
  }

  /** What it held when its connection broke, under new serials and uncharged. */
  giveAgain(room: { readonly messages: number; readonly bytes: number }): Delivery[] {
    if (this.again.length === 0) return []
    const items = this.again.flatMap((serial) => this.held.get(serial) ?? [])
    const crashes = items[0]?.crashes ?? 0
    const most = crashes > 0 && this.charge === 'taken' ? 1 : room.messages
    const deliveries: Delivery[] = []
    let bytes = 0
    for (const item of items) {
      bytes += item.stored.message.bytes
      const isFull = deliveries.length > 0 && bytes > room.bytes
      if (deliveries.length >= most || item.crashes !== crashes || isFull) break
      this.takeAway(item)
      deliveries.push(this.give(item))
    }
    this.again = items.slice(deliveries.length).map(({ serial }) => serial)
    return deliveries
  }

  /** The item leaves the reader's hands. */
  drop(item: Item): void {
    this.held.delete(item.serial)
    item.owner = null
  }

  /** The item is taken out of the reader's hands: its token is late from now on. */
  takeAway(item: Item): Token {
    const token = { reader: this.name, serial: item.serial }
    this.drop(item)
    this.#voided.add(item.serial)
    return token
  }

  /** What a token answers that names nothing in hand. */
  answer(serial: number): 'settled' | 'late' {
    const isOurs = serial >= this.#firstSerial && serial <= this.#lastSerial
    return isOurs && !this.#voided.has(serial) ? 'settled' : 'late'
  }

  begin(token: Token): void {
    if (token.reader !== this.name || token.serial > this.#lastSerial) return
    this.#begunSerial = Math.max(this.#begunSerial, token.serial)
  }

  /** Whether the end of this reader counts as a crash of what it held under that serial. */
  isCharged(serial: number): boolean {
    return this.charge === 'taken' || serial <= this.#begunSerial
  }

  tokens(): Token[] {
    return Array.from(this.held.values(), (item) => ({ reader: this.name, serial: item.serial }))
  }
}
