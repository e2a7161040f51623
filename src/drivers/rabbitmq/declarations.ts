import { type ChannelRef, type ChannelSpec, checkName } from '../../core/channel.ts'
import type { AmqpChannel, QueueOptions } from './client.ts'
import type { Connection } from './connection.ts'
import { deadName, deadOptions, delayName, delayOptions, queueOptions } from './layout.ts'
import type { Locks } from './lock.ts'
import { rabbitmqError, replyCodeOf, replyTextOf } from './rabbitmqErrors.ts'

export interface Difference {
  readonly name: string
  readonly wanted: string
  readonly found: string
}

export type Ensured =
  | { readonly state: 'created' | 'same' }
  | { readonly state: 'differs'; readonly what: Difference[] }

/** PRECONDITION_FAILED: it is there, with other arguments. */
const otherCode = 406
const notFoundCode = 404

/** Makes what a channel consists of, once, and tells what is there instead. */
export class Declarations {
  readonly #connection: Connection
  readonly #locks: Locks
  readonly #declared = new Map<string, Promise<void>>()
  readonly #delays = new Map<string, Promise<void>>()

  constructor(connection: Connection, locks: Locks) {
    this.#connection = connection
    this.#locks = locks
  }

  async ensure({ name, pattern }: ChannelRef, signal: AbortSignal): Promise<Ensured> {
    checkName('channel', name)
    return await this.#locks.with(name, 'open', signal, async () => {
      const wasThere = await this.isThere(name)
      if (wasThere && pattern !== 'queue') return differs('pattern', pattern, 'queue')
      const found = await this.#exchangeType(name)
      if (found !== null) return differs('pattern', pattern, `exchange of type ${found}`)
      const other =
        (await this.#declare(name, queueOptions(name))) ??
        (await this.#declare(deadName(name), deadOptions()))
      if (other !== null) return { state: 'differs', what: [other] }
      return { state: wasThere ? 'same' : 'created' }
    })
  }

  /** Once per channel and session. @throws CONFLICT */
  async declared(channel: ChannelSpec, signal: AbortSignal): Promise<void> {
    const { name } = channel
    const known = this.#declared.get(name) ?? this.#ensured(channel, signal)
    this.#declared.set(name, known)
    try {
      await known
    } catch (error) {
      if (this.#declared.get(name) === known) this.#declared.delete(name)
      throw error
    }
  }

  /** The queue where what is due after so long waits, made when it is needed first. */
  async delay(channel: string, delayMs: number): Promise<string> {
    const queue = delayName(channel, delayMs)
    const known = this.#delays.get(queue) ?? this.#delayNow(queue, channel)
    this.#delays.set(queue, known)
    try {
      await known
      return queue
    } catch (error) {
      this.#delays.delete(queue)
      throw error
    }
  }

  /** Somebody has removed it: it is made anew when it is asked for next. */
  forget(channel: string): void {
    this.#declared.delete(channel)
    for (const queue of this.#delays.keys()) {
      if (queue.startsWith(`${channel}:n:`)) this.#delays.delete(queue)
    }
  }

  async isThere(queue: string): Promise<boolean> {
    const found = await this.#asked((channel) => channel.checkQueue(queue), notFoundCode)
    return found !== null
  }

  async #ensured(channel: ChannelSpec, signal: AbortSignal): Promise<void> {
    const said = await this.ensure(channel, signal)
    if (said.state !== 'differs') return
    const [first] = said.what
    const text = `"${channel.name}": ${first?.name} is ${first?.found}, wanted ${first?.wanted}`
    throw rabbitmqError('CONFLICT', 'open', text, { channel: channel.name, hint: conflictHint })
  }

  async #delayNow(queue: string, channel: string): Promise<void> {
    const other = await this.#declare(queue, delayOptions(channel))
    if (other === null) return
    const text = `queue "${queue}": ${other.name} is ${other.found}, wanted ${other.wanted}`
    throw rabbitmqError('CONFLICT', 'open', text, { channel, hint: conflictHint })
  }

  /** What of it is otherwise; null: it is there as wanted. */
  async #declare(queue: string, options: QueueOptions): Promise<Difference | null> {
    let other: Difference | null = null
    await this.#asked(
      (channel) => channel.assertQueue(queue, options),
      otherCode,
      (text) => {
        other = differenceIn(text)
      },
    )
    return other
  }

  /** AMQP names the type of an exchange to nobody but who wants another one. */
  async #exchangeType(name: string): Promise<string | null> {
    const isThere = await this.#asked((channel) => channel.checkExchange(name), notFoundCode)
    if (isThere === null) return null
    let type = 'unknown'
    const ask = (channel: AmqpChannel) => channel.assertExchange(name, 'headers', { durable: true })
    await this.#asked(ask, otherCode, (text) => {
      type = differenceIn(text).found
    })
    return type === 'unknown' ? 'headers' : type
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

const conflictHint =
  'Another program, or an older setting, has made it so: use another name, or remove it there.'

function differs(name: string, wanted: string, found: string): Ensured {
  return { state: 'differs', what: [{ name, wanted, found }] }
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
