import type { ChannelSpec } from '../../../core/channel.ts'
import type { NarrowcastError } from '../../../core/errors.ts'
import type { Settlement, SettleOutcome } from '../../../core/message.ts'
import { shortError, shortLetter } from '../../_shared/shortened.ts'
import type { AmqpChannel } from '../client.ts'
import { type Addressed, type Confirmation, type Confirming, toQueue } from '../confirming.ts'
import type { Connection } from '../connection.ts'
import { copyOf } from '../copies.ts'
import type { Declarations } from '../declarations.ts'
import { deadName, type Home } from '../layout.ts'
import { rabbitmqError } from '../rabbitmqErrors.ts'
import type { Seen } from '../seen/seen.ts'
import { hasId, type Past, pastOf, returnsOf } from '../wire.ts'
import { newRef } from './deadLetter.ts'
import type { Hand, Hands } from './hands.ts'
import { AcksTakenUp } from './takenUp.ts'

export interface SettlingOptions {
  readonly spec: ChannelSpec
  readonly home: Home
  /** That handed them out: a tag is of no use on any other, and an error there. */
  readonly channel: AmqpChannel
  /** Of this channel. */
  readonly connection: Connection
  readonly hands: Hands
  readonly confirming: Confirming
  readonly declarations: Declarations
  readonly seen: (windowMs: number) => Seen
  /** Nothing is acknowledged before it resolves. */
  readonly leaving: () => Promise<void> | null
}

type Copied = Exclude<Settlement, { kind: 'ack' }>

/**
 * An acknowledgement has no answer in AMQP: it is sent. All else is a copy, as a message cannot be
 * changed where it lies; the original is acknowledged when the copy is stored, so that a crash in
 * between repeats the message and never loses it.
 */
export class Settling {
  readonly acks = new AcksTakenUp()
  readonly #of: SettlingOptions
  /** On its way: asked again it has the same answer. */
  readonly #copying = new Map<number, Promise<SettleOutcome>>()

  constructor(options: SettlingOptions) {
    this.#of = options
  }

  /**
   * @throws UNAVAILABLE, CONNECTION_LOST where a copy, or what is to be remembered, was not stored: its
   * original stays in hand. Also where the broker holds the copy back: asked again there is no second.
   */
  async settle(batch: readonly Settlement[], signal: AbortSignal): Promise<SettleOutcome[]> {
    await this.#remember(batch, signal)
    await this.#of.leaving()
    const acked: Hand[] = []
    const copied: [Copied, Hand][] = []
    const outcomes = batch.map((settlement): SettleOutcome | number => {
      const found = this.#of.hands.find(settlement.token)
      if (typeof found === 'string') return found
      const { serial } = found.token
      if (this.#copying.has(serial)) return serial
      if (settlement.kind === 'ack') {
        this.#of.hands.settled(found)
        acked.push(found)
        return 'sent'
      }
      copied.push([settlement, found])
      this.#copying.set(serial, Promise.resolve('late')) // until the copies below are on their way
      return serial
    })
    this.#ack(acked)
    this.#copyAll(copied, signal)
    if (outcomes.every((one) => typeof one === 'string')) return outcomes as SettleOutcome[]
    const answering = Promise.allSettled(
      outcomes.map((one) => (typeof one === 'number' ? this.#copying.get(one) : one)),
    )
    const answers = await this.#of.confirming.unlessBlocked(answering)
    return answers.map((one) => {
      if (one.status === 'rejected') throw one.reason
      return one.value ?? 'sent'
    })
  }

  /** Before it is acknowledged: what comes again although it was worked off is known by it. */
  async #remember(batch: readonly Settlement[], signal: AbortSignal): Promise<void> {
    const done = batch.flatMap((one) => {
      const isHere = one.kind === 'ack' && typeof this.#of.hands.find(one.token) !== 'string'
      return isHere && one.remember ? [one.remember] : []
    })
    const byTime = Map.groupBy(done, ({ keepMs }) => keepMs)
    for (const [keepMs, ids] of byTime) {
      await this.#of.seen(keepMs).finished(
        ids.map(({ id }) => id),
        keepMs,
        signal,
      )
    }
  }

  /** Resolves when what is on its way has its answer. */
  async copied(): Promise<void> {
    await Promise.allSettled(this.#copying.values())
  }

  /** Gives back what is still in hand, charged to nobody, where the broker takes messages now. */
  async giveBack(signal: AbortSignal): Promise<void> {
    const copied = this.#of.hands.all.flatMap((hand): [Copied, Hand][] => {
      if (this.#copying.has(hand.token.serial)) return [] // be it released or not
      return [[{ kind: 'release', token: hand.token, delayMs: 0 }, hand]]
    })
    this.#copyAll(copied, signal)
    const over = Promise.withResolvers<void>()
    signal.addEventListener('abort', () => over.resolve())
    const given = Promise.allSettled(this.#copying.values()).then(() => {})
    await this.#of.confirming.unlessBlocked(Promise.race([given, over.promise])).catch(() => {})
  }

  /** Each is known as on its way until it has its answer. */
  #copyAll(copied: readonly [Copied, Hand][], signal: AbortSignal): void {
    const copying = this.#copy(copied, signal)
    copied.forEach(([, { token }], at) => {
      const one = copying[at] as Promise<SettleOutcome>
      this.#copying.set(token.serial, one)
      const ended = () => void this.#copying.delete(token.serial)
      one.then(ended, ended)
    })
  }

  #copy(copied: readonly [Copied, Hand][], signal: AbortSignal): Promise<SettleOutcome>[] {
    const storing = this.#store(copied, signal)
    return copied.map(async ([settlement, hand], at): Promise<SettleOutcome> => {
      const confirmation = (await storing)[at] as Confirmation
      const isStored = confirmation === 'stored'
      if (!isStored && !this.#isForBroker(settlement)) {
        throw this.#notStored(settlement, hand, confirmation)
      }
      await this.#of.leaving()
      if (this.#of.hands.find(hand.token) !== hand) return 'late' // it went to others meanwhile
      this.#of.hands.settled(hand)
      if (isStored) this.#ack([hand])
      else this.#putBack(hand)
      return 'sent'
    })
  }

  /** What is only given back can be so without a copy, where none can be written. */
  #isForBroker(settlement: Copied): boolean {
    const { kind } = settlement
    return kind === 'release' && settlement.delayMs === 0 && this.#of.confirming.takes
  }

  /** To its place before what waits. The broker counts it as a delivery in vain. */
  #putBack({ raw }: Hand): void {
    try {
      this.#of.channel.nack(raw, false, true)
    } catch {
      // The channel has ended: what it held comes again.
    }
  }

  async #store(copied: readonly [Copied, Hand][], signal: AbortSignal): Promise<Confirmation[]> {
    if (copied.length === 0) return []
    const { spec, declarations, confirming } = this.#of
    await declarations.declared(spec, signal)
    const addressed = await Promise.all(copied.map(([one, hand]) => this.#addressed(one, hand)))
    return await confirming.send(addressed, signal)
  }

  async #addressed(settlement: Copied, { raw, as }: Hand): Promise<Addressed> {
    const { home, declarations } = this.#of
    const before = pastOf(raw)
    const past = { ...before, crashes: before.crashes + returnsOf(raw) }
    if (settlement.kind === 'dead') {
      const letter = { ref: newRef(), ...shortLetter(settlement.letter) }
      return { ...copyOf(raw, as, past, letter), ...toQueue(deadName(home.channel)), delayMs: 0 }
    }
    const { delayMs, kind } = settlement
    // Given back it is as it came: who gives it back does not say that it is the same.
    const named = kind === 'release' && !hasId(raw) ? { ...as, id: null } : as
    const queue = delayMs > 0 ? await declarations.delay(home, delayMs) : home.queue
    return { ...copyOf(raw, named, pastAfter(past, settlement)), ...toQueue(queue), delayMs }
  }

  /**
   * Neighbours travel in one frame, as far as nothing lies between them that is still in hand; what
   * is acknowledged beyond that goes alone.
   */
  #ack(hands: readonly Hand[]): void {
    const { channel, connection } = this.#of
    const lowest = this.#of.hands.lowestTag
    const tags = hands.map(({ raw }) => raw.fields.deliveryTag).sort((a, b) => a - b)
    const upTo = tags.findLast((tag) => tag < lowest)
    const frame = (deliveryTag: number) => ({ fields: { deliveryTag } })
    const alone = tags.filter((tag) => upTo === undefined || tag > upTo)
    this.acks.sent(alone.length + (upTo === undefined ? 0 : 1))
    try {
      if (upTo !== undefined) channel.ack(frame(upTo), true)
      for (const tag of alone) channel.ack(frame(tag))
      connection.gather()
    } catch {
      // The channel has ended: the source says so, and what it held comes again.
    }
  }

  #notStored({ kind }: Copied, { as: { id } }: Hand, confirmation: Confirmation): NarrowcastError {
    const { spec, declarations } = this.#of
    if (confirmation === 'returned') declarations.forget(spec.name)
    const text = `${kind} of message ${id} of "${spec.name}" was not stored (${confirmation}); it stays in hand`
    return rabbitmqError('UNAVAILABLE', 'settle', text, { channel: spec.name })
  }
}

function pastAfter(past: Past, settlement: Exclude<Copied, { kind: 'dead' }>): Past {
  if (settlement.kind === 'release') return past
  const { failures, error } = settlement
  const firstFailedMs = past.history?.firstFailedMs ?? error.atMs
  return { ...past, failures, history: { firstFailedMs, last: shortError(error) } }
}
