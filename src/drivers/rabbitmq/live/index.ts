import type { ChannelSpec, SubscriberSpec, WorkerRef } from '../../../core/channel.ts'
import type { Lead, Live, LiveEvents, LiveSource, SendOutcome } from '../../../core/driver.ts'
import { asNarrowcastError, type NarrowcastError } from '../../../core/errors.ts'
import { isLive } from '../../../core/message.ts'
import { Confirming } from '../confirming.ts'
import type { Connection } from '../connection.ts'
import type { Declarations } from '../declarations.ts'
import { rabbitmqError } from '../rabbitmqErrors.ts'
import { untilAborted } from '../untilAborted.ts'
import { RabbitmqMember } from './member.ts'
import { BroadcastPublisher } from './publisher.ts'
import { Roster } from './roster.ts'
import { type Routed, sendTo } from './sending.ts'
import { Words } from './words.ts'

export interface LiveHost {
  readonly consuming: Connection
  readonly publishing: Connection
  readonly declarations: Declarations
  /** Fires, with the reason, when either connection has ended. */
  readonly sessionEnded: AbortSignal
  readonly checkOpen: (operation: string) => void
}

/** Broadcast and narrowcast: exchanges, and queues that end with the connections that read them. */
export class RabbitmqLive implements Live, AsyncDisposable {
  readonly #host: LiveHost
  readonly #words: Words
  readonly #members = new Map<string, RabbitmqMember>()
  readonly #publishers = new Set<BroadcastPublisher>()
  readonly #rosters = new Map<string, Promise<Roster>>()
  readonly #sending = new Map<string, Confirming>()

  constructor(host: LiveHost) {
    this.#host = host
    this.#words = new Words(host.publishing)
  }

  async publisher(channel: ChannelSpec, signal: AbortSignal): Promise<BroadcastPublisher> {
    const { publishing, declarations, checkOpen } = this.#host
    if (channel.pattern !== 'broadcast') {
      throw unsupported('publisher', channel, 'who publishes picks the worker, and sends to it')
    }
    await declarations.declared(channel, signal)
    const publisher = new BroadcastPublisher({
      ...{ channel, declarations, checkOpen, confirming: new Confirming(publishing) },
      blocked: () => publishing.blocked,
    })
    this.#publishers.add(publisher)
    return publisher
  }

  async subscribe(
    channel: ChannelSpec,
    spec: SubscriberSpec,
    on: LiveEvents,
    signal: AbortSignal,
  ): Promise<LiveSource> {
    this.#check('subscribe', channel, isLive(channel.pattern))
    const { declarations, consuming: connection, sessionEnded, checkOpen } = this.#host
    await declarations.declared(channel, signal)
    const place = `${channel.name} ${spec.worker.id}`
    const before = this.#members.get(place)
    if (before?.incarnation === spec.worker.incarnation) throw twice(channel, spec)
    const member = new RabbitmqMember({
      ...{ channel, spec, on, connection, sessionEnded, checkOpen, words: this.#words },
      left: () => {
        if (this.#members.get(place) === member) this.#members.delete(place)
      },
      broken: () => declarations.forget(channel.name),
    })
    this.#members.set(place, member)
    try {
      const open = async () => {
        before?.replace(spec.worker.incarnation)
        await before?.leave()
        await member.begin()
      }
      await untilAborted(open(), signal, 'subscribe')
      return member
    } catch (error) {
      void member.leave()
      throw error
    }
  }

  async workers(channel: ChannelSpec, signal: AbortSignal): Promise<WorkerRef[]> {
    this.#check('workers', channel, channel.pattern === 'narrowcast')
    await this.#host.declarations.declared(channel, signal)
    const roster = await this.#roster(channel)
    return await roster.workers(signal)
  }

  async send(
    channel: ChannelSpec,
    batch: readonly Routed[],
    _lead: Lead | null,
    signal: AbortSignal,
  ): Promise<SendOutcome[]> {
    this.#check('send', channel, channel.pattern === 'narrowcast')
    const { declarations, publishing } = this.#host
    await declarations.declared(channel, signal)
    const { name } = channel
    const confirming = this.#sending.get(name) ?? new Confirming(publishing)
    this.#sending.set(name, confirming)
    const lost = () => declarations.forget(name)
    const blocked = () => publishing.blocked
    const outcomes = await sendTo({ channel, confirming, blocked, lost }, batch, signal)
    const roster = await this.#rosters.get(name)?.catch(() => null) // its own caller is told
    for (const [at, { to }] of batch.entries()) if (outcomes[at] === 'nobody') roster?.isGone(to)
    return outcomes
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const opened = [...this.#members.values(), ...this.#publishers]
    await Promise.allSettled(opened.map((one) => one[Symbol.asyncDispose]()))
    await this.#words.close()
  }

  /** The one of that channel in this session. */
  async #roster(channel: ChannelSpec): Promise<Roster> {
    const { name } = channel
    const known = this.#rosters.get(name)
    if (known) return await known
    const { consuming: connection, declarations } = this.#host
    const ended = () => {
      if (this.#rosters.get(name) === opening) this.#rosters.delete(name)
      declarations.forget(name) // another program may have removed the exchange
    }
    const opening: Promise<Roster> = Roster.open({
      ...{ channel: name, connection, words: this.#words, ended },
    })
    this.#rosters.set(name, opening)
    try {
      return await opening
    } catch (error) {
      ended()
      throw asNarrowcastError(error)
    }
  }

  #check(operation: string, channel: ChannelSpec, isOffered: boolean): void {
    this.#host.checkOpen(operation)
    if (!isOffered) throw unsupported(operation, channel, 'this is for live patterns')
    if (channel.via === 'relay') {
      throw unsupported(operation, channel, 'who publishes picks the worker, no relay does')
    }
  }
}

function unsupported(operation: string, { name, pattern }: ChannelSpec, why: string) {
  const text = `${pattern} "${name}" has no such call: ${why}`
  return rabbitmqError('UNSUPPORTED', operation, text, { channel: name })
}

function twice({ name, pattern }: ChannelSpec, { worker }: SubscriberSpec): NarrowcastError {
  const text = `${worker.id} is subscribed to ${pattern} "${name}" in this session already`
  return rabbitmqError('CONFLICT', 'subscribe', text, {
    channel: name,
    hint: 'Give each subscription a worker of its own.',
  })
}
