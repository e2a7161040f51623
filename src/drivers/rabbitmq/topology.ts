import type { AmqpChannel, QueueOptions } from './client.ts'
import type { Connection } from './connection.ts'
import { exchangeOptions } from './layout.ts'
import { rabbitmqError, replyCodeOf, replyTextOf } from './rabbitmqErrors.ts'

export interface Difference {
  readonly name: string
  readonly wanted: string
  readonly found: string
}

export type ExchangeType = 'topic' | 'fanout' | 'direct'

/** PRECONDITION_FAILED: it is there, with other arguments. */
const otherCode = 406
const notFoundCode = 404

/** Queues, exchanges and bindings of one broker: makes them, and tells what is there instead. */
export class Topology {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  async isQueue(queue: string): Promise<boolean> {
    const found = await this.#asked((channel) => channel.checkQueue(queue), notFoundCode)
    return found !== null
  }

  /** Null: there is none. AMQP names the type of an exchange to nobody but who wants another one. */
  async exchangeType(name: string): Promise<string | null> {
    const isThere = await this.#asked((channel) => channel.checkExchange(name), notFoundCode)
    if (isThere === null) return null
    let type = 'headers'
    const ask = (channel: AmqpChannel) => channel.assertExchange(name, type, exchangeOptions)
    await this.#asked(ask, otherCode, (text) => {
      type = differenceIn(text).found
    })
    return type
  }

  /** What of it is otherwise; null: it is there as wanted. */
  async queue(name: string, options: QueueOptions): Promise<Difference | null> {
    try {
      return await this.#declared((channel) => channel.assertQueue(name, options))
    } catch (error) {
      // It ends the whole connection for it, which would be opened again without an end.
      const why = error instanceof Error ? replyTextOf(error.cause) : ''
      if (!why.includes('feature flag')) throw error
      const hint = `rabbitmqctl enable_feature_flag ${options.arguments?.['x-queue-type']}_queue`
      throw rabbitmqError('UNSUPPORTED', 'open', why, { cause: error, hint })
    }
  }

  /** What of it is otherwise; null: it is there as wanted. */
  async exchange(name: string, type: ExchangeType): Promise<Difference | null> {
    return await this.#declared((channel) => channel.assertExchange(name, type, exchangeOptions))
  }

  /** All that is sent to the exchange reaches the queue from now on. */
  async bind(queue: string, exchange: string): Promise<void> {
    await this.#connection.ask('open', undefined, (channel) =>
      channel.bindQueue(queue, exchange, '#'),
    )
  }

  async remove(queue: string): Promise<void> {
    await this.#connection.ask('open', undefined, (channel) => channel.deleteQueue(queue))
  }

  async #declared(ask: (channel: AmqpChannel) => Promise<unknown>): Promise<Difference | null> {
    let other: Difference | null = null
    await this.#asked(ask, otherCode, (text) => {
      other = differenceIn(text)
    })
    return other
  }

  /** Null where the broker refuses with this code. */
  async #asked<T>(
    question: (channel: AmqpChannel) => Promise<T>,
    code: number,
    refused: (text: string) => void = () => {},
  ): Promise<T | null> {
    try {
      return await this.#connection.ask('open', undefined, question)
    } catch (error) {
      const cause = error instanceof Error ? error.cause : null
      if (replyCodeOf(cause) !== code) throw error
      refused(replyTextOf(cause))
      return null
    }
  }
}

/**
 * `inequivalent arg 'x-queue-type' for queue 'a' in vhost '/': received the value 'quorum' of type
 * 'longstr' but current is the value 'classic' of type 'longstr'`.
 */
function differenceIn(text: string): Difference {
  const found =
    /inequivalent arg '([^']+)'.*: received (?:the value )?'?(.*?)'?(?: of type '\w+')? but current is (?:the value )?'?(.*?)'?(?: of type '\w+')?$/s.exec(
      text,
    )
  if (found === null) return { name: 'arguments', wanted: 'ours', found: text }
  const [, name, wanted, current] = found as unknown as [string, string, string, string]
  return { name, wanted, found: current }
}
