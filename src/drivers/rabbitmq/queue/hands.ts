import type { SettleOutcome, Token } from '../../../core/message.ts'
import type { AmqpMessage } from '../client.ts'
import type { HandedAs } from '../copies.ts'

/** A delivery that is in our hands, by the tag of the channel that brought it. */
export interface Hand {
  readonly token: Token
  readonly raw: AmqpMessage
  readonly as: HandedAs
}

/**
 * What a source has been given and not settled. Serials rise, and none that it gave was ever in the
 * hands of another source: what is known and here no more was settled before.
 */
export class Hands {
  readonly #reader: string
  readonly #nextSerial: () => number
  readonly #hands = new Map<number, Hand>()
  #first = Number.POSITIVE_INFINITY
  #last = 0
  #areLost = false

  constructor(reader: string, nextSerial: () => number) {
    this.#reader = reader
    this.#nextSerial = nextSerial
  }

  take(raw: AmqpMessage, { id, timeMs }: HandedAs): Token {
    const serial = this.#nextSerial()
    this.#first = Math.min(this.#first, serial)
    this.#last = serial
    const token = { reader: this.#reader, serial }
    this.#hands.set(serial, { token, raw, as: { id, timeMs } })
    return token
  }

  /** Of one consumer. */
  countOf(consumerTag: string): number {
    return this.all.filter(({ raw }) => raw.fields.consumerTag === consumerTag).length
  }

  get all(): Hand[] {
    return [...this.#hands.values()]
  }

  /** In hand, or the answer to somebody who has it not. */
  find({ reader, serial }: Token): Hand | SettleOutcome {
    const hand = reader === this.#reader ? this.#hands.get(serial) : undefined
    if (hand !== undefined) return hand
    const wasHere = reader === this.#reader && serial >= this.#first && serial <= this.#last
    return wasHere && !this.#areLost ? 'sent' : 'late'
  }

  settled({ token }: Hand): void {
    this.#hands.delete(token.serial)
  }

  /** The connection, or the channel, is gone: the broker gives all of it to others. */
  lose(): void {
    this.#areLost = true
    this.#hands.clear()
  }

  /** The lowest tag that is still to be settled: a multiple ack may not reach it. */
  get lowestTag(): number {
    const [first] = this.#hands.values()
    return first?.raw.fields.deliveryTag ?? Number.POSITIVE_INFINITY
  }
}
