import type { ChannelRef, ChannelSpec, SubscriberSpec, WorkerRef } from '../../../core/channel.ts'
import type {
  Lead,
  Live,
  LiveEvents,
  LiveSource,
  Publisher,
  SendOutcome,
} from '../../../core/driver.ts'
import type { NarrowcastError } from '../../../core/errors.ts'
import { isLive } from '../../../core/message.ts'
import { redisError } from '../redisErrors.ts'
import type { Context } from '../session.ts'
import { untilAborted } from '../untilAborted.ts'
import { RedisLead } from './lead.ts'
import type { LiveSourceOptions, RedisLiveSource } from './liveSource.ts'
import { RedisMember } from './member.ts'
import { addressOf, inboxOf, sharedNameOf, workersOf } from './names.ts'
import { LivePublisher } from './publisher.ts'
import { tellRemoved } from './removal.ts'
import { type Addressed, sendTo } from './sending.ts'
import { Standby } from './standby.ts'

export interface LiveHost {
  readonly context: Context
  /** @throws CONFLICT for another pattern under this name, INVALID_ARGUMENT for the name */
  readonly declare: (operation: string, channel: ChannelSpec) => Promise<unknown>
}

/** Broadcast and narrowcast over Pub/Sub, which keeps nothing. */
export class RedisLive implements Live {
  readonly #context: Context
  readonly #declare: LiveHost['declare']
  readonly #members = new Map<string, RedisMember>()

  constructor({ context, declare }: LiveHost) {
    this.#context = context
    this.#declare = declare
  }

  async publisher(channel: ChannelSpec): Promise<Publisher> {
    const { home, checkOpen } = this.#context
    if (channel.pattern === 'broadcast' || channel.via === 'relay') {
      return new LivePublisher(home(channel.name), channel, checkOpen)
    }
    throw unsupported('publisher', channel, 'who publishes picks the worker, and sends to it')
  }

  async subscribe(
    channel: ChannelSpec,
    spec: SubscriberSpec,
    on: LiveEvents,
    signal: AbortSignal,
  ): Promise<LiveSource> {
    this.#check('subscribe', channel, isLive(channel.pattern))
    await untilAborted(this.#declare('subscribe', channel), signal, 'subscribe')
    const place = `${channel.name} ${spec.worker.id}`
    const before = this.#members.get(place)
    if (before?.incarnation === spec.worker.incarnation) throw twice(channel, spec)
    const home = this.#context.home(channel.name)
    const isShared = channel.pattern === 'broadcast'
    const address = isShared
      ? sharedNameOf(channel.name, home)
      : addressOf(channel.name, spec.worker, home)
    const member = new RedisMember(
      this.#options({ channel, spec, on, address }, () => {
        if (this.#members.get(place) === member) this.#members.delete(place)
        this.#context.opened.delete(member)
      }),
    )
    this.#members.set(place, member)
    await this.#opening(member, signal, async () => {
      before?.replace(spec.worker.incarnation)
      await before?.leave()
      await member.begin()
    })
    return member
  }

  async workers(channel: ChannelSpec): Promise<WorkerRef[]> {
    this.#check('workers', channel, channel.pattern === 'narrowcast')
    return await workersOf(channel.name, this.#context.home(channel.name))
  }

  async send(
    channel: ChannelSpec,
    batch: readonly Addressed[],
    lead: Lead | null,
    signal: AbortSignal,
  ): Promise<SendOutcome[]> {
    this.#check('send', channel, channel.pattern === 'narrowcast')
    return await sendTo(this.#context.home(channel.name), channel, batch, lead, signal)
  }

  async lead(
    channel: ChannelSpec,
    spec: SubscriberSpec,
    on: LiveEvents,
    signal: AbortSignal,
  ): Promise<Lead> {
    this.#check('lead', channel, channel.pattern === 'narrowcast')
    await untilAborted(this.#declare('lead', channel), signal, 'lead')
    const home = this.#context.home(channel.name)
    for (;;) {
      const standby = new Standby(home, channel, spec, signal)
      this.#context.opened.add(standby)
      const fence = await standby.granted().finally(() => this.#context.opened.delete(standby))
      const lead: RedisLead = new RedisLead(
        this.#options({ channel, spec, on, address: inboxOf(channel.name, home) }, () =>
          this.#context.opened.delete(lead),
        ),
        fence,
      )
      let isHeld = false
      await this.#opening(lead, signal, async () => {
        isHeld = await lead.begin()
      })
      if (isHeld) return lead
      await lead[Symbol.asyncDispose]()
    }
  }

  /** Ends whoever is there, wherever it is. */
  async remove(channel: ChannelRef): Promise<void> {
    await tellRemoved(channel.name, this.#context.home(channel.name))
  }

  #options(
    of: Pick<LiveSourceOptions, 'channel' | 'spec' | 'on' | 'address'>,
    left: () => void,
  ): LiveSourceOptions {
    const { checkOpen } = this.#context
    const home = this.#context.home(of.channel.name)
    return { ...of, home, sessionEnded: home.ended, checkOpen, left }
  }

  /** What does not open leaves nothing behind. */
  async #opening(
    source: RedisLiveSource,
    signal: AbortSignal,
    open: () => Promise<void>,
  ): Promise<void> {
    this.#context.opened.add(source)
    try {
      await untilAborted(open(), signal, 'open')
    } catch (error) {
      void source.leave()
      throw error
    }
  }

  #check(operation: string, channel: ChannelSpec, isOffered: boolean): void {
    this.#context.checkOpen(operation)
    if (!isOffered) throw unsupported(operation, channel, 'this is for live patterns')
  }
}

function unsupported(operation: string, { name, pattern }: ChannelSpec, why: string) {
  const text = `${pattern} "${name}" has no such call: ${why}`
  return redisError('UNSUPPORTED', operation, text, { channel: name })
}

function twice({ name, pattern }: ChannelSpec, { worker }: SubscriberSpec): NarrowcastError {
  const text = `${worker.id} is subscribed to ${pattern} "${name}" in this session already`
  return redisError('CONFLICT', 'subscribe', text, {
    channel: name,
    hint: 'Give each subscription a worker of its own.',
  })
}
