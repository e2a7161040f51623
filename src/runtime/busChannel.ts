import { isOwnChannel, type WorkerRef } from '../core/channel.ts'
import type { Contract } from '../core/contract.ts'
import { asNarrowcastError, NarrowcastError } from '../core/errors.ts'
import { isLive, type Pattern } from '../core/message.ts'
import type {
  BatchHandler,
  BatchOptions,
  Channel,
  Deliveries,
  DeliveriesOptions,
  Handler,
  PublishOptions,
  Receipt,
  SubscribeOptions,
  Subscription,
} from './api.ts'
import type { ChannelPlan } from './channelOptions.ts'
import { channelClosed } from './closedErrors.ts'
import { type Encoded, encode } from './envelope.ts'
import type { Gate } from './gate.ts'
import type { ChannelFacts } from './handlerRun.ts'
import type { Refusal, SubscriptionHealth } from './health.ts'
import { noDeliveries } from './live/liveOptions.ts'
import { LiveWorker } from './live/liveWorker.ts'
import { OpenDeliveries } from './openDeliveries.ts'
import { type OpenedChannel, Opening, type OpeningHost } from './openedChannel.ts'
import { Outbox } from './outbox.ts'
import { checkFits } from './publishCheck.ts'
import type { ReaderHost } from './readerHost.ts'
import { SlowChecks } from './slowChecks.ts'
import { planDeliveries, planSubscription } from './subscribeOptions.ts'
import { subscriptionFrame, subscriptionHealth } from './subscriptionState.ts'
import type { PublisherFrame, SubscriptionFrame } from './telemetry/frame.ts'
import type { Sending, Tracing } from './tracing.ts'
import { Worker } from './worker.ts'

export interface ChannelHost extends OpeningHost {
  readonly gate: Gate
  readonly tracing: Tracing | null
  workerRef(name: string | null): WorkerRef
}

interface Prepared {
  readonly encoded: Encoded
  /** Null: it fits. */
  readonly checked: Promise<void> | null
  /** To be told of the answer; null: nobody follows it. */
  readonly sending: Sending | null
}

type AnyReader<Out> = Worker<Out> | LiveWorker<Out> | OpenDeliveries<Out>

/** One channel of a bus: the same two verbs on every pattern. */
export class BusChannel<In, Out> implements Channel<In, Out> {
  readonly #host: ChannelHost
  readonly #plan: ChannelPlan
  readonly #outbox: Outbox
  readonly #checks: SlowChecks
  readonly #opening: Opening
  readonly #readers = new Set<AnyReader<Out>>()
  /** What we tell of ourselves is followed by nobody. */
  readonly #tracing: Tracing | null
  readonly #facts: ChannelFacts
  #isClosed = false

  constructor(host: ChannelHost, plan: ChannelPlan) {
    this.#host = host
    this.#plan = plan
    const { name, pattern } = plan.spec
    this.#tracing = isOwnChannel(name) ? null : host.tracing
    this.#facts = { name, pattern, group: null, driver: host.connection.driver.name }
    this.#opening = new Opening(host, plan)
    this.#checks = new SlowChecks(plan, host.clock)
    this.#outbox = new Outbox({
      plan,
      driver: host.connection.driver.name,
      clock: host.clock,
      random: host.random,
      open: (signal) => this.#openToPublish(signal),
      forget: (session) => this.#opening.forget(session),
      trouble: () => host.connection.trouble,
      blocked: () => host.connection.blocked,
    })
  }

  get name(): string {
    return this.#plan.spec.name
  }

  get pattern(): Pattern {
    return this.#plan.spec.pattern
  }

  get health(): SubscriptionHealth[] {
    return [...this.#readers].map((reader) => subscriptionHealth(this.#plan.spec, reader))
  }

  get refusal(): Refusal | null {
    const refusal = this.#outbox.refusal
    return refusal && { channel: this.name, pattern: this.pattern, ...refusal }
  }

  get subscriptionFrames(): SubscriptionFrame[] {
    return [...this.#readers].map((reader) => subscriptionFrame(this.#plan.spec, reader))
  }

  /** Null while nothing was published here. */
  get publisherFrame(): PublisherFrame | null {
    const { published, failed } = this.#outbox
    if (published + failed === 0) return null
    return { channel: this.name, pattern: this.pattern, published, failed }
  }

  /** Drains the worker of that very id, if it is one of ours. */
  async endWorker(id: string, timeoutMs: number | undefined): Promise<void> {
    const wish = timeoutMs === undefined ? {} : { timeoutMs }
    const ours = [...this.#readers].filter(({ worker }) => worker.id === id)
    await Promise.all(
      ours.map((one) => (one instanceof OpenDeliveries ? one.close() : one.drain(wish))),
    )
  }

  async opened(): Promise<Contract> {
    return (await this.#opening.open(this.#host.connection.closing)).contract
  }

  /** One promise and no async function: that is a seventh of the cost of a publish in memory. */
  publish(data: In, options?: PublishOptions): Promise<Receipt> {
    const one = this.#prepare(data, options, this.#host.clock.wallMs())
    return new Promise((resolve, reject) => {
      if (one instanceof NarrowcastError) return reject(one)
      const done = (answer: Receipt | NarrowcastError) => {
        one.sending?.end(answer)
        if (answer instanceof NarrowcastError) reject(answer)
        else resolve(answer)
      }
      const add = () => this.#outbox.add(one.encoded, done, options?.signal)
      if (one.checked === null) add()
      else one.checked.then(add, (error: unknown) => done(asNarrowcastError(error)))
    })
  }

  async publishMany(
    batch: readonly { data: In; options?: PublishOptions }[],
  ): Promise<(Receipt | NarrowcastError)[]> {
    const answers = new Array<Receipt | NarrowcastError>(batch.length)
    const all = Promise.withResolvers<void>()
    let open = batch.length
    if (open === 0) return answers
    const answer = (n: number, said: Receipt | NarrowcastError) => {
      const one = prepared[n] as Prepared | NarrowcastError
      if (!(one instanceof NarrowcastError)) one.sending?.end(said)
      answers[n] = said
      if (--open === 0) all.resolve()
    }
    const wallMs = this.#host.clock.wallMs()
    const prepared = batch.map(({ data, options }) => this.#prepare(data, options, wallMs))
    for (const [n, { options }] of batch.entries()) {
      try {
        const one = prepared[n] as Prepared | NarrowcastError
        if (one instanceof NarrowcastError) throw one
        if (one.checked !== null) await one.checked
        while (this.#outbox.isFull && !this.#isClosed) await this.#outbox.writable(options?.signal)
        this.#outbox.add(one.encoded, (said) => answer(n, said), options?.signal)
      } catch (error) {
        answer(n, asNarrowcastError(error))
      }
    }
    await all.promise
    return answers
  }

  writable(signal?: AbortSignal): Promise<void> {
    return this.#outbox.writable(signal)
  }

  subscribe(
    handler: Handler<Out> | BatchHandler<Out>,
    options: SubscribeOptions<Out> & Partial<BatchOptions> = {},
  ): Subscription {
    const plan = planSubscription(this.name, this.pattern, options)
    const ref = this.#host.workerRef(plan.name)
    if (isLive(this.pattern)) {
      return this.#keep((host) => new LiveWorker<Out>(host, plan, ref, handler as Handler<Out>))
    }
    return this.#keep((host) => new Worker<Out>(host, plan, ref, handler))
  }

  deliveries(options: DeliveriesOptions = {}): Deliveries<Out> {
    if (isLive(this.pattern)) throw noDeliveries(this.pattern, this.name)
    const plan = planDeliveries(this.name, this.pattern, options)
    const { consumeWindowMs } = this.#plan
    if (consumeWindowMs !== null && options.dedupe !== false) throw dedupeByHandlersOnly(this.name)
    const ref = this.#host.workerRef(plan.name)
    const unmarked: ChannelPlan = { ...this.#plan, consumeWindowMs: null }
    return this.#keep((host) => new OpenDeliveries<Out>({ ...host, plan: unmarked }, plan, ref))
  }

  /** Takes no more subscriptions; resolves when what was published so far has its answer. */
  async flush(deadline: AbortSignal): Promise<void> {
    this.#isClosed = true
    await this.#checks.flush(deadline)
    await this.#outbox.flush(deadline)
  }

  /** Stops reading, then flushes what was published; what the deadline cuts off is refused. */
  async close(timeoutMs: number, deadline: AbortSignal): Promise<void> {
    this.#isClosed = true
    const ended = [...this.#readers].map((reader) =>
      reader instanceof OpenDeliveries ? reader.close(deadline) : reader.drain({ timeoutMs }),
    )
    const flushed = Promise.allSettled(ended)
      .then(() => this.#checks.close(deadline, channelClosed(this.name)))
      .then(() => this.#outbox.close(deadline))
    await Promise.all([...ended, flushed])
    await this.#opening.close(deadline)
  }

  /** Encoded and checked at once: what the caller changes while others wait does not travel. */
  #prepare(
    data: In,
    options: PublishOptions | undefined,
    wallMs: number,
  ): Prepared | NarrowcastError {
    const sending = this.#tracing?.send(this.#facts, options) ?? null
    try {
      // Of a trace nothing can travel with plain data: its span says that this was published.
      const wish = sending && this.#plan.spec.envelope ? sending.options : options
      const encoded = encode(this.#plan, data, wish, wallMs)
      const fits = checkFits(this.#plan, data, encoded.message.body)
      const checked = fits && this.#checks.bound(fits, options?.signal)
      return { encoded, checked, sending }
    } catch (cause) {
      const error = asNarrowcastError(cause)
      sending?.end(error)
      return error
    }
  }

  /** What a subscription waits out, a publisher is told at once: it can keep the message. */
  #openToPublish(signal: AbortSignal): Promise<OpenedChannel> {
    const { session, refused } = this.#host.connection
    return this.#opening.open(session ? signal : AbortSignal.any([signal, refused]))
  }

  #keep<R extends AnyReader<Out>>(make: (host: ReaderHost) => R): R {
    if (this.#isClosed) throw channelClosed(this.name)
    const { connection, gate, clock, random } = this.#host
    const reader = make({
      plan: this.#plan,
      clock,
      random,
      connection,
      gate,
      tracing: this.#tracing,
      open: (signal) => this.#opening.open(signal),
      forget: (session) => this.#opening.forget(session),
      closedError: () => channelClosed(this.name),
      ended: () => this.#readers.delete(reader),
    })
    this.#readers.add(reader)
    return reader
  }
}

/** Ids are claimed around a handler; whoever holds open deliveries knows best what twins mean. */
function dedupeByHandlersOnly(channel: string): NarrowcastError {
  return new NarrowcastError(
    'UNSUPPORTED',
    `deliveries of "${channel}": the channel asks for dedupe on consume, which only handlers have`,
    {
      channel,
      operation: 'deliveries',
      hint: 'Use subscribe(), or take every twin with deliveries({ dedupe: false }).',
    },
  )
}
