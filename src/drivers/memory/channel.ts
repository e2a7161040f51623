import type { ChannelSpec } from '../../core/channel.ts'
import type { Clock } from '../../core/clock.ts'
import { NarrowcastError } from '../../core/errors.ts'
import type { OutgoingMessage, Place, PublishOutcome, Settlement } from '../../core/message.ts'
import { contracts } from './contract.ts'
import { DeadLetters } from './deadLetters.ts'
import { Line } from './line.ts'
import type { LineHost } from './lineHost.ts'
import { MarkStore } from './marks.ts'
import { bodyBytes, incoming, type Stored } from './message.ts'
import { Slots } from './slots.ts'

/** Readers that come anew, under a name that was used before, begin above this serial. */
export interface Serials {
  floor: number
}

/** One channel of the store. */
export class Channel implements LineHost {
  readonly clock: Clock
  readonly spec: ChannelSpec
  /** A queue: what is not settled. A stream: what retention has left. */
  readonly log = new Slots<Stored>()
  /** A queue has the line `null`, a stream one for each group. */
  readonly lines = new Map<string | null, Line>()
  readonly dead = new DeadLetters()
  isPaused = false
  /** Totals since the channel was made. */
  published = 0
  acknowledged = 0
  readonly #serials: Serials
  readonly #marks = new Map<string | null, MarkStore>()
  /** Ids of the publish-dedupe window, the oldest first. */
  readonly #recent = new Map<string, { readonly untilMs: number; readonly position: string }>()
  #lastSeq = 0
  #bytes = 0

  constructor(spec: ChannelSpec, clock: Clock, serials: Serials) {
    this.spec = spec
    this.clock = clock
    this.#serials = serials
    if (spec.pattern === 'queue') this.lines.set(null, new Line(null, this, 1))
  }

  publish(batch: readonly OutgoingMessage[], payloadBytesMax: number): PublishOutcome[] {
    this.#forgetOldIds()
    const outcomes = batch.map((message) => this.#publishOne(message, payloadBytesMax))
    this.refresh()
    return outcomes
  }

  /** The stored form again, with its redrives counted. */
  republish(stored: Stored): string {
    const storedMs = this.clock.monotonicMs()
    const again = this.#append({ ...stored, storedMs, redrives: stored.redrives + 1, dueMs: 0 })
    for (const line of this.lines.values()) line.added(again)
    return again.position
  }

  /** The stored form again for one line alone; the stream itself does not grow. */
  returnTo(line: Line, stored: Stored): string {
    line.insert({
      ...stored,
      seq: ++this.#lastSeq,
      storedMs: this.clock.monotonicMs(),
      redrives: stored.redrives + 1,
      dueMs: 0,
    })
    return stored.position
  }

  /** The line of a group, made where it does not exist; of a queue the only one. */
  line(group: string | null, from: Place): Line {
    const found = this.lines.get(group)
    if (found) return found
    const line = new Line(group, this, this.seqOf(from))
    this.lines.set(group, line)
    return line
  }

  marks(group: string | null): MarkStore {
    const found = this.#marks.get(group)
    if (found) return found
    const marks = new MarkStore(this.clock)
    this.#marks.set(group, marks)
    return marks
  }

  useSerials(upTo: number): void {
    this.#serials.floor = Math.max(this.#serials.floor, upTo)
  }

  ended(line: Line, stored: Stored, settlement: Settlement): void {
    if (settlement.kind === 'ack') {
      this.acknowledged++
      const { remember } = settlement
      if (remember) this.marks(line.group).remember(remember.id, remember.keepMs)
    } else if (settlement.kind === 'dead') {
      this.dead.add({ stored, letter: settlement.letter, group: line.group })
    }
    if (line.group === null) this.drop(stored)
  }

  /** Takes the message out of the log. */
  drop(stored: Stored): void {
    if (this.log.get(stored.seq) !== stored) return
    this.log.delete(stored.seq)
    this.#bytes -= stored.message.bytes
  }

  /** Lets time do its work everywhere: due times, leases, retention. */
  refresh(): void {
    for (const line of this.lines.values()) line.offer()
    this.trim()
  }

  /** Forgets what retention does not keep, up to the first message that a group has not settled. */
  trim(): void {
    const { ageMs, messages, bytes } = this.spec.retention
    if (this.spec.pattern === 'queue' || (ageMs ?? messages ?? bytes) === null) return
    let unsettled = Number.POSITIVE_INFINITY
    for (const line of this.lines.values()) unsettled = Math.min(unsettled, line.settledBefore)
    const oldestMs = this.clock.monotonicMs() - (ageMs ?? Number.POSITIVE_INFINITY)
    for (let seq = this.log.firstKey(); seq < unsettled; seq = this.log.firstKey(seq)) {
      const first = this.log.get(seq)
      if (!first) return
      const isKept =
        first.storedMs > oldestMs &&
        this.log.size <= (messages ?? Number.POSITIVE_INFINITY) &&
        this.#bytes <= (bytes ?? Number.POSITIVE_INFINITY)
      if (isKept) return
      this.drop(first)
    }
  }

  /** The sequence number where a line begins. @throws NOT_FOUND, INVALID_ARGUMENT */
  seqOf(place: Place): number {
    if (place === 'first') return Math.min(this.log.firstKey(), this.#lastSeq + 1)
    if (place === 'end') return this.#lastSeq + 1
    if ('position' in place) return this.#seqOfPosition(place.position) + 1
    if ('id' in place) return this.find(place.id).seq + 1
    for (const { seq, message } of this.log.values()) if (message.timeMs >= place.timeMs) return seq
    return this.#lastSeq + 1
  }

  /** @throws NOT_FOUND */
  find(id: string): Stored {
    for (const stored of this.log.values()) if (stored.message.id === id) return stored
    throw new NarrowcastError(
      'NOT_FOUND',
      `memory: channel "${this.spec.name}" holds no message with the id ${JSON.stringify(id)}`,
      { driver: 'memory', channel: this.spec.name },
    )
  }

  #seqOfPosition(position: string): number {
    if (/^\d{1,15}$/.test(position)) return Math.min(Number(position), this.#lastSeq)
    throw new NarrowcastError(
      'INVALID_ARGUMENT',
      `memory: position ${JSON.stringify(position)} is not one of channel "${this.spec.name}"; expected a whole number`,
      { driver: 'memory', channel: this.spec.name },
    )
  }

  #publishOne(message: OutgoingMessage, payloadBytesMax: number): PublishOutcome {
    const { dedupeId, delayMs } = message
    const bytes = bodyBytes(message.body)
    if (bytes > payloadBytesMax) {
      const text = `memory: a body of ${bytes} bytes exceeds the ${payloadBytesMax} of channel "${this.spec.name}"`
      return { state: 'refused', code: 'PAYLOAD_TOO_LARGE', message: text }
    }
    const { msMax } = contracts.queue.delay
    if (!(delayMs >= 0 && delayMs <= msMax)) {
      const text = `memory: a delay of ${delayMs} ms; expected 0 to ${msMax}`
      return { state: 'refused', code: 'INVALID_ARGUMENT', message: text }
    }
    const known = dedupeId === null ? undefined : this.#recent.get(dedupeId)
    if (known) return { state: 'stored', duplicate: true, position: known.position }
    const now = this.clock.monotonicMs()
    const stored = this.#append({
      message: incoming(message, bytes),
      redrives: message.redrives,
      storedMs: now,
      dueMs: delayMs > 0 ? now + delayMs : 0,
    })
    this.published++
    const { dedupeWindowMs } = this.spec
    if (dedupeId !== null && dedupeWindowMs !== null) {
      this.#recent.set(dedupeId, { untilMs: now + dedupeWindowMs, position: stored.position })
    }
    for (const line of this.lines.values()) line.added(stored)
    return { state: 'stored', duplicate: false, position: stored.position }
  }

  #append(of: Omit<Stored, 'seq' | 'position'>): Stored {
    const seq = ++this.#lastSeq
    const { message, redrives, storedMs, dueMs } = of
    const stored = { seq, position: String(seq), message, redrives, storedMs, dueMs }
    this.log.add(seq, stored)
    this.#bytes += message.bytes
    return stored
  }

  #forgetOldIds(): void {
    const now = this.clock.monotonicMs()
    for (const [id, { untilMs }] of this.#recent) {
      if (untilMs > now) return
      this.#recent.delete(id)
    }
  }
}
