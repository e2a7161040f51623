import type { ChannelSpec } from '../../core/channel.ts'
import type { Publisher } from '../../core/driver.ts'
import { asNarrowcastError, type ErrorCode, NarrowcastError } from '../../core/errors.ts'
import type { OutgoingMessage, PublishOutcome } from '../../core/message.ts'
import { type ChannelRow, notFound } from './channels.ts'
import { putIn } from './liveInbox.ts'
import { dropExpired, type Role } from './liveSubscribers.ts'
import { readStore, type Store } from './store.ts'
import type { Accepted } from './storeMessages.ts'
import { messageFault, storing } from './storing.ts'

/** Messages stored in one transaction. */
const batchMax = 1_000

/** Gives a broadcast to all who are there, and a narrowcast to the relay that leads. */
export class LivePublisher implements Publisher {
  readonly #store: Store
  readonly #spec: ChannelSpec
  readonly #channel: ChannelRow
  readonly #role: Role
  #isClosed = false

  constructor(store: Store, spec: ChannelSpec, channel: ChannelRow) {
    this.#store = store
    this.#spec = spec
    this.#channel = channel
    this.#role = spec.pattern === 'broadcast' ? 'member' : 'lead'
  }

  async publish(batch: readonly OutgoingMessage[], signal: AbortSignal): Promise<PublishOutcome[]> {
    this.#checkOpen()
    const outcomes = new Array<PublishOutcome>(batch.length)
    const accepted: Accepted[] = []
    batch.forEach((message, at) => {
      const fault = this.#fault(message)
      if (fault) outcomes[at] = fault
      else accepted.push({ message, at })
    })
    for (let from = 0; from < accepted.length; from += batchMax) {
      const some = accepted.slice(from, from + batchMax)
      const outcome = await this.#publishSome(some, signal)
      for (const { at } of some) outcomes[at] = outcome
    }
    return outcomes
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
  }

  /** One transaction, so one outcome for all of them. */
  async #publishSome(some: readonly Accepted[], signal: AbortSignal): Promise<PublishOutcome> {
    const { bells } = this.#store
    const messages = some.map(({ message }) => message)
    try {
      const isAnybody = await readStore(this.#store, 'publish', () => this.#target() !== null)
      if (!isAnybody) return { state: 'stored', duplicate: false, receivers: 0 }
      const put = () => this.#put(messages)
      const done = await storing(this.#store, messages, put, { signal, durable: false })
      bells.ring(done.bells)
      return { state: 'stored', duplicate: false, receivers: done.receivers }
    } catch (cause) {
      const { code, message, hint, definite } = asNarrowcastError(cause)
      return { state: definite ? 'refused' : 'unknown', code, message, hint }
    }
  }

  #put(messages: readonly OutgoingMessage[]): { receivers: number; bells: readonly string[] } {
    const { db, time } = this.#store
    dropExpired(db, this.#channel.no, time.nowMs())
    const target = this.#target()
    if (!target) return { receivers: 0, bells: [] }
    const bells = putIn(db, target.inbox, this.#channel.name, messages)
    return { receivers: target.receivers, bells }
  }

  /** Where it goes, and how many read there; null: nobody is there. @throws NOT_FOUND */
  #target(): { inbox: number; receivers: number } | null {
    const { db, time } = this.#store
    const { no, name, pattern } = this.#channel
    const row = db.get<{ inbox: number | null; receivers: number }>(
      `SELECT max(s.inbox) AS inbox, count(s.no) AS receivers FROM channel c
       LEFT JOIN subscriber s
         ON s.channel = c.no AND s.role = ?2 AND s.deadline_ms > ?3 AND s.until IS NULL
       WHERE c.no = ?1 AND c.name < '~' GROUP BY c.no`,
      no,
      this.#role,
      time.nowMs(),
    )
    if (!row) throw notFound('publish', name, `${pattern} "${name}" was removed from the store`)
    return row.inbox === null ? null : { inbox: row.inbox, receivers: row.receivers }
  }

  #checkOpen(): void {
    this.#store.checkOpen('publish')
    if (!this.#isClosed) return
    throw new NarrowcastError('CLOSED', `file: publish: this publisher was closed`, {
      driver: 'file',
      channel: this.#channel.name,
      operation: 'publish',
    })
  }

  #fault(message: OutgoingMessage): PublishOutcome | null {
    const fault = messageFault(message, this.#spec.payloadBytesMax)
    if (fault) return this.#refused(fault.code, fault.text)
    const { id, delayMs } = message
    if (delayMs === 0) return null
    const text = `message ${id} has a delay of ${delayMs} ms, but nothing is kept for later`
    return this.#refused('UNSUPPORTED', text, 'Delay on a queue or a stream.')
  }

  #refused(code: ErrorCode, text: string, hint: string | null = null): PublishOutcome {
    const { pattern, name } = this.#channel
    return {
      state: 'refused',
      code,
      message: `file: publish to ${pattern} "${name}": ${text}`,
      hint,
    }
  }
}
