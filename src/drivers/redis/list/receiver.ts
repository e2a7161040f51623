import type { ChannelSpec, Ordering, ReaderSpec } from '../../../core/channel.ts'
import { systemClock } from '../../../core/clock.ts'
import type { Room } from '../../../core/driver.ts'
import type { Delivery } from '../../../core/message.ts'
import { orderConflict } from '../../../core/orderConflict.ts'
import { OwnForm } from '../ownForm.ts'
import { redisError } from '../redisErrors.ts'
import { lookMs, Waiting } from '../waiting.ts'
import { readMessage } from './element.ts'
import type { LostTokens } from './lostTokens.ts'
import { type Queue, tagOf } from './queue.ts'
import { lostOf, type OpenedReader, reclaim } from './readers.ts'
import { takeByKeyScript, takeScript } from './takeScript.ts'
import { readValue } from './value.ts'

/** What a source and its parts have in common. */
export interface Subscription {
  readonly queue: Queue
  readonly channel: ChannelSpec
  readonly spec: ReaderSpec
  readonly opened: OpenedReader
  readonly lost: LostTokens
  /** The channel was removed, and all that the reader held. */
  readonly gone: () => void
}

/** More are not taken by one command, whatever the room. */
const takeMax = 1_000

/** Takes messages for one reader, and waits for them without polling. */
export class Receiver {
  readonly waiting = new Waiting()
  /** In which the queue hands out. */
  order: Ordering
  readonly #of: Subscription
  readonly #tag: string
  readonly #ownForm = new OwnForm()
  #serial: number
  /** Held, but never handed out: its connection broke before. */
  #regained: readonly number[]
  #ownedUntilMs: number
  #isStopped = false

  constructor(of: Subscription, ownedUntilMs: number) {
    this.#of = of
    this.#tag = tagOf(of.spec.reader)
    this.#serial = of.opened.serial
    this.#ownedUntilMs = ownedUntilMs
    this.order = of.opened.order
    const inHand = new Set(of.spec.holding.map(({ serial }) => serial))
    this.#regained = of.opened.held.filter((serial) => !inHand.has(serial))
  }

  /** At least one, or nothing when it was stopped or nobody waits any more. */
  async next(room: Room, isWanted: () => boolean): Promise<Delivery[]> {
    while (isWanted() && !this.#isStopped) {
      const again = await this.#takeRegained(room)
      if (again.length > 0) return again
      this.waiting.prepare()
      const { deliveries, nextMs } = await this.#take(room)
      if (deliveries.length > 0) return deliveries
      await this.waiting.wait(Math.min(nextMs < 0 ? lookMs : nextMs, lookMs))
    }
    return []
  }

  /** Ends a wait, and every later one at once. */
  stop(): void {
    this.#isStopped = true
    this.waiting.end()
  }

  /** All that was never handed out. */
  async takeAllRegained(): Promise<Delivery[]> {
    const rest = this.#regained
    this.#regained = []
    return await this.#readHeld(rest)
  }

  async #take({
    messages,
    bytes,
    begins = false,
  }: Room): Promise<{ deliveries: Delivery[]; nextMs: number }> {
    const { queue, spec, opened, lost } = this.#of
    const { reader, leaseMs, charge } = spec
    const ownedUntilMs = systemClock.monotonicMs() + leaseMs
    const words = [this.#serial, Math.min(takeMax, messages), bytes, leaseMs].map(String)
    const args = [
      reader,
      opened.opened,
      ...words,
      this.order,
      charge,
      this.#tag,
      begins ? '1' : '0',
    ]
    const script = this.order === 'none' ? takeScript : takeByKeyScript
    const reply = await queue.run<(string | number)[]>(script, 'receive', reader, args)
    const [said, first, next, ...values] = reply
    if (said !== 'ok') {
      await this.#answer(String(said), String(first))
      return { deliveries: [], nextMs: 0 }
    }
    this.#ownedUntilMs = ownedUntilMs
    const from = this.#serial + 1
    this.#serial += values.length
    if (first !== lost.count) lost.tell(await lostOf(queue, reader), Number(first))
    const deliveries = await this.#readTexts(values as string[], from)
    return { deliveries: begins ? deliveries.map(begun) : deliveries, nextMs: Number(next) }
  }

  /** What was no text when it was written is asked for again, as bytes. */
  async #readTexts(texts: readonly string[], from: number): Promise<Delivery[]> {
    const broken: number[] = []
    const deliveries: Delivery[] = []
    texts.forEach((text, at) => {
      const serial = from + at
      if (text.includes('\ufffd')) broken.push(serial)
      else deliveries.push(this.#readText(text, serial))
    })
    if (broken.length > 0) {
      deliveries.push(...(await this.#readHeld(broken)))
      deliveries.sort((a, b) => a.token.serial - b.token.serial)
    }
    return deliveries
  }

  #readText(text: string, serial: number): Delivery {
    const message = this.#ownForm.read(text)
    if (message === null) return this.#read(Buffer.from(text), serial)
    const token = { reader: this.#of.spec.reader, serial }
    const ownedUntilMs = this.#ownedUntilMs
    return { token, message, failures: 0, crashes: 0, redrives: 0, past: null, ownedUntilMs }
  }

  /** @throws NOT_FOUND, CLOSED, CONFLICT */
  async #answer(said: string, detail: string): Promise<void> {
    const { queue, channel, spec, gone } = this.#of
    const { name } = channel
    if (said === 'expired') return await reclaim(queue, detail)
    if (said === 'gone') {
      gone()
      throw redisError('NOT_FOUND', 'receive', `"${name}" was removed`, { channel: name })
    }
    if (said === 'replaced') throw replacedError(name, spec.reader)
    const order = detail as Ordering
    if (spec.order !== null) throw orderConflict('redis', channel, null, spec.order, order)
    this.order = order
  }

  async #takeRegained(room: Room): Promise<Delivery[]> {
    if (this.#regained.length === 0) return []
    const some = this.#regained.slice(0, Math.min(takeMax, room.messages))
    const found = await this.#readHeld(some)
    const crashes = Number(found[0]?.crashes ?? 0)
    const most = crashes > 0 && this.#of.spec.charge === 'taken' ? 1 : found.length
    const picked: Delivery[] = []
    let bytes = 0
    for (const delivery of found.slice(0, most)) {
      bytes += delivery.message.bytes
      if (picked.length > 0 && (bytes > room.bytes || delivery.crashes !== crashes)) break
      picked.push(delivery)
    }
    const last = picked.at(-1)?.token.serial ?? some.at(-1) ?? 0
    this.#regained = this.#regained.filter((serial) => serial > last)
    return picked
  }

  /** What of it the reader still holds. */
  async #readHeld(serials: readonly number[]): Promise<Delivery[]> {
    if (serials.length === 0) return []
    const { queue, spec } = this.#of
    const command = ['HMGET', queue.layout.held(spec.reader), ...serials.map(String)]
    const values = await queue.home.send<(Buffer | null)[]>(command, 'receive', 'bytes')
    return values.flatMap((raw, at) => (raw === null ? [] : this.#read(raw, serials[at] ?? 0)))
  }

  #read(raw: Buffer, serial: number): Delivery {
    const { channel, spec } = this.#of
    const value = readValue(raw)
    const { message, redrives } = readMessage(
      channel.name,
      value,
      `${this.#tag}-${serial}`,
      Date.now(),
    )
    const { failures, crashes, past } = value
    this.#ownForm.learn(message)
    const token = { reader: spec.reader, serial }
    return { token, message, failures, crashes, redrives, past, ownedUntilMs: this.#ownedUntilMs }
  }
}

/** As the take has marked it: suspects never. */
function begun(delivery: Delivery): Delivery {
  return { ...delivery, isBegun: delivery.crashes === 0 }
}

/** Another source was opened for this reader. */
export function replacedError(channel: string, reader: string) {
  const text = `another source was opened for reader ${reader} of "${channel}"`
  return redisError('CLOSED', 'source', text, { channel })
}
