import type { SubscriberSpec } from '../../core/channel.ts'
import type { LiveEvents, LiveSource, Room } from '../../core/driver.ts'
import { type ErrorCode, NarrowcastError } from '../../core/errors.ts'
import type { IncomingMessage } from '../../core/message.ts'
import type { ChannelRow } from './channels.ts'
import { aliveState, LiveReceiver, type LiveSubscription } from './liveReceiver.ts'
import {
  dropLead,
  dropSubscriber,
  type SubscriberState,
  subscriberState,
} from './liveSubscribers.ts'
import type { Store } from './store.ts'

export interface LiveSourceOptions {
  readonly store: Store
  readonly channel: ChannelRow
  readonly spec: SubscriberSpec
  readonly role: 'member' | 'lead'
  /** The row of the subscriber, and which opening of it this is. */
  readonly no: number
  readonly opened: number
  /** It goes on with what an earlier session of this worker has not read. */
  readonly resumed: boolean
  readonly on: LiveEvents
  /** Inside the transaction that ends it: the bell of who waits for that. */
  readonly ended: () => string | null
  /** Called once, when it is disposed. */
  readonly closed: (source: FileLiveSource) => void
}

/** One live subscription. It holds nothing back: what it takes, `receive` returns. */
export class FileLiveSource implements LiveSource {
  readonly leaseMs: number
  readonly resumed: boolean
  readonly #options: LiveSourceOptions
  readonly #of: LiveSubscription
  readonly #receiver: LiveReceiver
  #receiving: Promise<IncomingMessage[]> | null = null
  #closing: Promise<void> | null = null

  constructor(options: LiveSourceOptions) {
    const { store, channel, spec, no, resumed } = options
    this.leaseMs = spec.leaseMs
    this.resumed = resumed
    this.#options = options
    this.#of = {
      store,
      channel: channel.name,
      no,
      leaseMs: spec.leaseMs,
      state: () => this.#state(),
    }
    this.#receiver = new LiveReceiver(this.#of)
  }

  receive(room: Room, signal: AbortSignal): Promise<IncomingMessage[]> {
    const fault = this.#receiveFault(room)
    if (fault) return Promise.reject(fault)
    if (signal.aborted) return Promise.resolve([])
    const receiving = this.#receive(room, signal).finally(() => {
      this.#receiving = null
    })
    this.#receiving = receiving
    return receiving
  }

  async renew(signal: AbortSignal): Promise<void> {
    const { store, no } = this.#options
    store.checkOpen('renew')
    if (this.#closing !== null) throw this.#error('CLOSED', 'renew: this source was closed')
    const { db, time, writer } = store
    const work = () => {
      if (!aliveState(this.#of)) return false
      const deadlineMs = Math.ceil(time.nowMs() + this.leaseMs)
      return db.run('UPDATE subscriber SET deadline_ms = ?2 WHERE no = ?1', no, deadlineMs) > 0
    }
    const isThere = await writer.run('renew', work, { signal, durable: false })
    if (!isThere) throw await this.#gone('renew')
  }

  async stop(signal: AbortSignal): Promise<void> {
    const { store, no } = this.#options
    store.checkOpen('stop')
    if (this.#closing !== null) throw this.#error('CLOSED', 'stop: this source was closed')
    const work = () => {
      const state = aliveState(this.#of)
      if (!state) return false
      const sql = 'UPDATE subscriber SET until = coalesce(until, ?2) WHERE no = ?1'
      return store.db.run(sql, no, state.next_seq) > 0
    }
    const isThere = await store.writer.run('stop', work, { signal, durable: false })
    if (!isThere) throw await this.#gone('stop')
    this.#receiver.wake()
  }

  /** Ends the subscription. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#leave()
    return this.#closing
  }

  /** Its session closes: the subscription stays until its lease ends, for whoever comes again. */
  close(): Promise<void> {
    this.#closing ??= this.#stop()
    return this.#closing
  }

  async #receive(room: Room, signal: AbortSignal): Promise<IncomingMessage[]> {
    const missed = (count: number) => this.#options.on.gap(count, 'overflow')
    const taken = await this.#receiver.next(room, missed, signal)
    if (taken) return taken
    throw await this.#gone('receive')
  }

  async #stop(): Promise<void> {
    this.#receiver.stop()
    await this.#receiving?.catch(() => undefined) // its own caller is told
    this.#options.closed(this)
  }

  async #leave(): Promise<void> {
    await this.#stop()
    const { store, no, role, opened, ended } = this.#options
    const { db, writer, bells } = store
    const work = () => {
      if (role === 'lead') return { unread: dropLead(db, no), bell: ended() }
      if (subscriberState(db, no)?.opened !== opened) return null
      dropSubscriber(db, no)
      return { unread: 0, bell: ended() }
    }
    const left = await writer.run('close', work, { durable: false, isClosing: true })
    if (left === null) return
    this.#tell(left.unread)
    if (left.bell !== null) bells.ring([left.bell])
  }

  /** What a lead had not read goes to nobody, and publishers were told that it was received. */
  #tell(unread: number): void {
    if (unread > 0) this.#options.on.gap(unread, 'reconnect')
  }

  /** @throws CLOSED when another source was opened for the same subscriber. */
  #state(): SubscriberState | undefined {
    const { store, no, opened, spec } = this.#options
    const state = subscriberState(store.db, no)
    if (!state || state.opened === opened) return state
    throw this.#error('CLOSED', `another source was opened for worker ${spec.worker.id}`)
  }

  /** The store does not say why it is gone, only that it is, and what a lead missed by that. */
  async #gone(operation: string): Promise<NarrowcastError> {
    const { store, no, spec, role } = this.#options
    const lease = `gave no sign of life for ${this.leaseMs} ms`
    if (role === 'lead') {
      const work = () => dropLead(store.db, no)
      this.#tell(await store.writer.run(operation, work, { durable: false }))
      const text = `${operation}: ${spec.worker.id} leads no longer: it ${lease}, or the channel was removed`
      return this.#error('FENCED', text)
    }
    const text = `${operation}: ${spec.worker.id} subscribes no longer: it ${lease}, another start of it has its place, or the channel was removed`
    return this.#error('NOT_FOUND', text)
  }

  #receiveFault({ messages, bytes }: Room): NarrowcastError | null {
    if (this.#receiving !== null) {
      return this.#error('INVALID_ARGUMENT', 'receive: one is under way already')
    }
    if (this.#closing !== null) return this.#error('CLOSED', 'receive: this source was closed')
    if (messages >= 1 && bytes >= 0) return null
    const text = `receive: room for ${messages} messages and ${bytes} bytes; expected at least one`
    return this.#error('INVALID_ARGUMENT', text)
  }

  #error(code: ErrorCode, text: string): NarrowcastError {
    const { name, pattern } = this.#options.channel
    return new NarrowcastError(code, `file: subscriber of ${pattern} "${name}": ${text}`, {
      driver: 'file',
      channel: name,
    })
  }
}
