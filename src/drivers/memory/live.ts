import type { ChannelSpec, SubscriberSpec, WorkerRef } from '../../core/channel.ts'
import type { Lead, Live, LiveEvents, LiveSource, SendOutcome } from '../../core/driver.ts'
import { NarrowcastError } from '../../core/errors.ts'
import type { OutgoingMessage } from '../../core/message.ts'
import type { Inbox, InboxReader } from './inbox.ts'
import type { LiveChannel } from './liveChannel.ts'
import { MemoryLead, MemoryLiveSource } from './liveSource.ts'
import type { Store } from './store.ts'

/** Broadcast and narrowcast, as one session has them. */
export class MemoryLive implements Live {
  readonly #store: Store
  readonly #check: () => void
  readonly #subscriptions = new Set<InboxReader>()
  readonly #leads = new Set<MemoryLiveSource>()
  readonly #closing = new AbortController()

  /** `check` throws when the session was closed. */
  constructor(store: Store, check: () => void) {
    this.#store = store
    this.#check = check
  }

  async subscribe(
    spec: ChannelSpec,
    subscriber: SubscriberSpec,
    on: LiveEvents,
  ): Promise<LiveSource> {
    this.#check()
    const channel = this.#store.live(spec)
    const found = channel.find(subscriber.worker)
    if (found?.reader && this.#subscriptions.has(found.reader)) throw twice(channel, subscriber)
    if (found) {
      found.spec = subscriber
      found.isStopped = false
    }
    const inbox: Inbox = found ?? channel.add(subscriber)
    const source = new MemoryLiveSource(inbox, {
      channel: channel.name,
      on,
      resumed: found !== undefined,
      refresh: () => channel.find(subscriber.worker),
      leave: () => channel.leave(inbox),
      closed: (closed) => this.#subscriptions.delete(closed),
    })
    this.#subscriptions.add(source)
    return source
  }

  async workers(spec: ChannelSpec): Promise<WorkerRef[]> {
    return this.#narrowcast(spec, 'workers').workers()
  }

  async send(
    spec: ChannelSpec,
    batch: readonly { readonly to: WorkerRef; readonly message: OutgoingMessage }[],
    lead: Lead | null,
  ): Promise<SendOutcome[]> {
    const channel = this.#narrowcast(spec, 'send')
    for (const { message } of batch) {
      const refused = channel.refusal(message, spec.payloadBytesMax)
      if (!refused) continue
      const { code, message: text, hint } = refused
      const details = { driver: 'memory', channel: spec.name, operation: 'send', hint }
      throw new NarrowcastError(code, `${text}; nothing was sent`, details)
    }
    if (lead && lead.fence !== channel.relays.leading()?.fence) return batch.map(() => 'fenced')
    return batch.map(({ to, message }) => (channel.send(to, message) ? 'handed' : 'nobody'))
  }

  async lead(
    spec: ChannelSpec,
    candidate: SubscriberSpec,
    on: LiveEvents,
    signal: AbortSignal,
  ): Promise<Lead> {
    const { name, relays } = this.#narrowcast(spec, 'lead')
    const either = AbortSignal.any([signal, this.#closing.signal])
    const granted = await relays.apply(candidate, either)
    if (this.#closing.signal.aborted) relays.leave(granted)
    this.#check()
    // Publishers were told that it was received.
    const tell = () => {
      const missed = granted.inbox.takeMissed()
      if (missed > 0) on.gap(missed, 'reconnect')
    }
    const lead = new MemoryLead(granted, {
      channel: name,
      on,
      resumed: false,
      refresh: () => {
        relays.refresh()
        if (granted.inbox.ended) tell()
      },
      leave: () => {
        relays.leave(granted)
        tell()
      },
      closed: (closed) => this.#leads.delete(closed),
    })
    this.#leads.add(lead)
    return lead
  }

  /** Subscribers may come again on another session, for as long as their leases hold. */
  async close(why: NarrowcastError): Promise<void> {
    this.#closing.abort(why)
    for (const subscription of [...this.#subscriptions]) subscription.replaced()
    for (const lead of [...this.#leads]) await lead[Symbol.asyncDispose]()
  }

  #narrowcast(spec: ChannelSpec, operation: string): LiveChannel {
    this.#check()
    if (spec.pattern === 'narrowcast') return this.#store.live(spec)
    const text = `memory: ${spec.pattern} "${spec.name}" has no ${operation}: expected a narrowcast`
    const details = { driver: 'memory', channel: spec.name, operation }
    throw new NarrowcastError('UNSUPPORTED', text, details)
  }
}

function twice({ name, pattern }: LiveChannel, { worker }: SubscriberSpec): NarrowcastError {
  const text = `memory: worker "${worker.id}" is subscribed to ${pattern} "${name}" already`
  return new NarrowcastError('CONFLICT', text, {
    driver: 'memory',
    channel: name,
    operation: 'subscribe',
    hint: 'Give each subscription a worker of its own.',
  })
}
