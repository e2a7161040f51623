import type { ChannelSpec, SubscriberSpec, WorkerRef } from '../../core/channel.ts'
import type { Lead, Live, LiveEvents, LiveSource, SendOutcome } from '../../core/driver.ts'
import { asNarrowcastError, type ErrorCode, NarrowcastError } from '../../core/errors.ts'
import { isLive } from '../../core/message.ts'
import { type ChannelRow, ensureChannel, findChannel, wrongPattern } from './channels.ts'
import { Candidate, FileLead } from './liveLead.ts'
import { type Addressed, sendTo } from './liveSend.ts'
import { FileLiveSource } from './liveSource.ts'
import { join } from './liveSubscribers.ts'
import { readStore, type Store } from './store.ts'
import { messageFault, storing } from './storing.ts'

/** Broadcast and narrowcast over the tables of a store. What is opened goes into `opened`. */
export class FileLive implements Live {
  readonly #store: Store
  readonly #opened: Set<AsyncDisposable>

  constructor(store: Store, opened: Set<AsyncDisposable>) {
    this.#store = store
    this.#opened = opened
  }

  async subscribe(
    channel: ChannelSpec,
    spec: SubscriberSpec,
    on: LiveEvents,
    signal: AbortSignal,
  ): Promise<LiveSource> {
    const { db, writer, bells, time } = this.#store
    this.#check('subscribe', channel, isLive(channel.pattern))
    const work = () => {
      const found = ensureChannel(db, channel, 'subscribe')
      return { found, joined: join(db, found, spec, bells.name, time.nowMs()) }
    }
    const { found, joined } = await writer.run('subscribe', work, { signal, durable: false })
    if (!joined) throw this.#conflict(channel, spec)
    bells.ring(joined.bells)
    return this.#open(
      (closed) =>
        new FileLiveSource({
          store: this.#store,
          channel: found,
          spec,
          role: 'member',
          no: joined.no,
          opened: joined.opened,
          resumed: joined.opened > 1,
          on,
          ended: () => null,
          closed,
        }),
    )
  }

  async workers(channel: ChannelSpec): Promise<WorkerRef[]> {
    const { db, time } = this.#store
    this.#check('workers', channel, channel.pattern === 'narrowcast')
    return readStore(this.#store, 'workers', () => {
      const found = this.#find('workers', channel)
      if (!found) return []
      const rows = db.all<WorkerRef>(
        `SELECT id, incarnation FROM subscriber
         WHERE channel = ? AND role = 'member' AND deadline_ms > ? AND until IS NULL ORDER BY id`,
        found.no,
        time.nowMs(),
      )
      return rows.map(({ id, incarnation }) => ({ id, incarnation }))
    })
  }

  async send(
    channel: ChannelSpec,
    batch: readonly Addressed[],
    lead: Lead | null,
    signal: AbortSignal,
  ): Promise<SendOutcome[]> {
    const { bells, time, db } = this.#store
    this.#check('send', channel, channel.pattern === 'narrowcast')
    this.#checkMessages(channel, batch)
    const messages = batch.map(({ message }) => message)
    const work = () => {
      const found = this.#find('send', channel)
      return found ? sendTo(db, found, batch, lead?.fence ?? null, time.nowMs()) : null
    }
    try {
      const sent = await storing(this.#store, messages, work, { signal, durable: false })
      if (!sent) return batch.map(() => (lead ? 'fenced' : 'nobody'))
      bells.ring(sent.bells)
      return sent.outcomes
    } catch (error) {
      if (asNarrowcastError(error).definite) throw error
      return batch.map(() => 'unknown')
    }
  }

  async lead(
    channel: ChannelSpec,
    spec: SubscriberSpec,
    on: LiveEvents,
    signal: AbortSignal,
  ): Promise<Lead> {
    const { db, writer } = this.#store
    this.#check('lead', channel, channel.pattern === 'narrowcast')
    const ensure = () => ensureChannel(db, channel, 'lead')
    const found = await writer.run('lead', ensure, { signal })
    const candidate = new Candidate(this.#store, found, spec, signal)
    this.#opened.add(candidate)
    try {
      const no = await candidate.granted()
      const options = { store: this.#store, channel: found, spec, on, no }
      return this.#open((closed) => new FileLead({ ...options, closed }))
    } finally {
      this.#opened.delete(candidate)
    }
  }

  /** A session that closes leaves its subscribers to their leases. */
  #open<S extends FileLiveSource>(make: (closed: () => void) => S): S {
    const closing = { [Symbol.asyncDispose]: () => source.close() }
    const source = make(() => this.#opened.delete(closing))
    this.#opened.add(closing)
    return source
  }

  #find(operation: string, channel: ChannelSpec): ChannelRow | undefined {
    const found = findChannel(this.#store.db, channel.name)
    if (found && found.pattern !== channel.pattern) throw wrongPattern(operation, channel, found)
    return found
  }

  #check(operation: string, { name, pattern }: ChannelSpec, isOffered: boolean): void {
    this.#store.checkOpen(operation)
    if (isOffered) return
    const text = `${pattern} "${name}" has no such call`
    throw this.#error('UNSUPPORTED', operation, name, text)
  }

  /** The whole batch is refused, because one of it can never be sent. */
  #checkMessages({ name, payloadBytesMax }: ChannelSpec, batch: readonly Addressed[]): void {
    for (const { message } of batch) {
      const fault = messageFault(message, payloadBytesMax)
      if (fault) throw this.#error(fault.code, 'send', name, `${fault.text}; nothing was sent`)
      if (message.delayMs === 0) continue
      const text = `message ${message.id} has a delay of ${message.delayMs} ms, but nothing is kept for later`
      throw this.#error('UNSUPPORTED', 'send', name, text)
    }
  }

  #conflict({ name, pattern }: ChannelSpec, { worker }: SubscriberSpec): NarrowcastError {
    const text = `${worker.id} is subscribed to ${pattern} "${name}" in this session already`
    return this.#error('CONFLICT', 'subscribe', name, text)
  }

  #error(code: ErrorCode, operation: string, channel: string, text: string): NarrowcastError {
    const details = { driver: 'file', channel, operation }
    return new NarrowcastError(code, `file: ${operation}: ${text}`, details)
  }
}
