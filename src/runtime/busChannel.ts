import type { WorkerRef } from '../core/channel.ts'
import type { Clock } from '../core/clock.ts'
import { type Contract, checkNotStronger } from '../core/contract.ts'
import type { Marks, Publisher, Session } from '../core/driver.ts'
import { asNarrowcastError, NarrowcastError } from '../core/errors.ts'
import type { Pattern } from '../core/message.ts'
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
import { type ChannelPlan, checkWishes } from './channelOptions.ts'
import type { Connection } from './connection.ts'
import { checkAgainst, type Encoded, encode, judge } from './envelope.ts'
import { OpenDeliveries } from './openDeliveries.ts'
import { Outbox } from './outbox.ts'
import type { ReaderHost } from './readerHost.ts'
import { planDeliveries, planSubscription } from './subscribeOptions.ts'
import { Worker } from './worker.ts'

export interface ChannelHost {
  readonly connection: Connection
  readonly clock: Clock
  readonly random: () => number
  workerRef(name: string | null): WorkerRef
}

/** One channel of a bus: the same two verbs on every pattern. */
export class BusChannel<T> implements Channel<T> {
  readonly #host: ChannelHost
  readonly #plan: ChannelPlan
  readonly #outbox: Outbox
  readonly #prepared = new WeakMap<Session, Promise<Contract>>()
  readonly #publishers = new WeakMap<Session, Promise<Publisher>>()
  readonly #readers = new Set<Worker<T> | OpenDeliveries<T>>()
  #contract: Contract | null = null
  #opening: Promise<Contract> | null = null
  #isClosed = false

  constructor(host: ChannelHost, plan: ChannelPlan) {
    this.#host = host
    this.#plan = plan
    this.#outbox = new Outbox({
      plan,
      driver: host.connection.driver.name,
      clock: host.clock,
      random: host.random,
      publisher: (signal) => this.#publisher(signal),
    })
  }

  get name(): string {
    return this.#plan.spec.name
  }

  get pattern(): Pattern {
    return this.#plan.spec.pattern
  }

  async opened(): Promise<Contract> {
    const { connection } = this.#host
    const session = await connection.ready(connection.closing)
    return this.#prepare(session, connection.closing)
  }

  async publish(data: T, options?: PublishOptions): Promise<Receipt> {
    const encoded = encode(this.#plan, data, options, this.#host.clock.wallMs())
    const judged = this.#judge(data)
    if (judged !== null) await judged
    this.#checkContract(this.#contract ?? (await this.#firstOpened()), encoded)
    return new Promise((resolve, reject) => {
      const done = (answer: Receipt | NarrowcastError) => {
        if (answer instanceof NarrowcastError) reject(answer)
        else resolve(answer)
      }
      this.#outbox.add(encoded, done, options?.signal)
    })
  }

  async publishMany(
    batch: readonly { data: T; options?: PublishOptions }[],
  ): Promise<(Receipt | NarrowcastError)[]> {
    const answers = new Array<Receipt | NarrowcastError>(batch.length)
    const all = Promise.withResolvers<void>()
    let open = batch.length
    const answer = (n: number, said: Receipt | NarrowcastError) => {
      answers[n] = said
      if (--open === 0) all.resolve()
    }
    if (open === 0) return answers
    const contract = this.#contract ?? (await this.#firstOpened())
    const wallMs = this.#host.clock.wallMs()
    for (const [n, { data, options }] of batch.entries()) {
      try {
        const encoded = encode(this.#plan, data, options, wallMs)
        const judged = this.#judge(data)
        if (judged !== null) await judged
        this.#checkContract(contract, encoded)
        while (this.#outbox.isFull) await this.#outbox.writable(options?.signal)
        this.#outbox.add(encoded, (said) => answer(n, said), options?.signal)
      } catch (error) {
        answer(n, asNarrowcastError(error, options?.signal?.aborted ? 'ABORTED' : 'INTERNAL'))
      }
    }
    await all.promise
    return answers
  }

  writable(signal?: AbortSignal): Promise<void> {
    return this.#outbox.writable(signal)
  }

  subscribe(
    handler: Handler<T> | BatchHandler<T>,
    options: SubscribeOptions<T> & Partial<BatchOptions> = {},
  ): Subscription {
    const plan = planSubscription(this.name, this.pattern, options)
    const ref = this.#host.workerRef(plan.name)
    return this.#keep((host) => new Worker<T>(host, plan, ref, handler))
  }

  deliveries(options: DeliveriesOptions = {}): Deliveries<T> {
    const plan = planDeliveries(this.name, this.pattern, options)
    const ref = this.#host.workerRef(plan.name)
    return this.#keep((host) => new OpenDeliveries<T>(host, plan, ref))
  }

  /** Stops reading, then flushes what was published; what the deadline cuts off is refused. */
  async close(timeoutMs: number, deadline: AbortSignal): Promise<void> {
    this.#isClosed = true
    await Promise.all(
      [...this.#readers].map((reader) =>
        reader instanceof Worker ? reader.drain({ timeoutMs }) : reader.close(),
      ),
    )
    await this.#opening?.catch(() => undefined) // whoever publishes is told
    await new Promise(setImmediate) // those who waited for it have their message in the outbox now
    await this.#outbox.close(deadline)
    const session = this.#host.connection.session
    const publisher = session && this.#publishers.get(session)
    const opened = await publisher?.catch(() => null) // one that never opened has nothing to close
    await opened?.[Symbol.asyncDispose]()
  }

  #keep<R extends Worker<T> | OpenDeliveries<T>>(make: (host: ReaderHost) => R): R {
    if (this.#isClosed) throw this.#closedError()
    const { connection, clock, random } = this.#host
    const reader = make({
      plan: this.#plan,
      clock,
      random,
      connection,
      prepare: (session, signal) => this.#prepare(session, signal),
      marks: (group, signal) => this.#marks(group, signal),
      closedError: () => this.#closedError(),
      ended: () => this.#readers.delete(reader),
    })
    this.#readers.add(reader)
    return reader
  }

  /** The value is checked as the caller gave it; what travels is that same form. */
  #judge(data: T): Promise<void> | null {
    const { schema, spec } = this.#plan
    if (!schema) return null
    const refuse = (judged: Awaited<ReturnType<typeof judge>>) => {
      if (!('fault' in judged)) return
      throw new NarrowcastError(
        'INVALID_MESSAGE',
        `publish to "${spec.name}": the data does not fit the schema: ${judged.fault}`,
        { channel: spec.name, operation: 'publish' },
      )
    }
    const judged = judge(schema, data)
    if (judged instanceof Promise) return judged.then(refuse)
    refuse(judged)
    return null
  }

  #checkContract(contract: Contract, encoded: Encoded): void {
    checkAgainst(contract, encoded, this.name, this.#host.connection.driver.name)
  }

  #firstOpened(): Promise<Contract> {
    this.#opening = this.opened()
    return this.#opening
  }

  #prepare(session: Session, signal: AbortSignal): Promise<Contract> {
    let prepared = this.#prepared.get(session)
    if (!prepared) {
      prepared = this.#declare(session, signal)
      this.#prepared.set(session, prepared)
      prepared.catch(() => this.#prepared.delete(session)) // the next one asks again
    }
    return prepared
  }

  async #declare(session: Session, signal: AbortSignal): Promise<Contract> {
    const { driver } = this.#host.connection
    const { spec } = this.#plan
    const most = driver.contracts[spec.pattern]
    if (!most) throw unsupportedPattern(driver.name, spec.pattern, spec.name)
    const contract = await session.contract(spec, signal)
    checkNotStronger(driver.name, most, contract)
    checkWishes(this.#plan, contract, driver.name)
    const found = await session.admin.ensure(spec, signal)
    const what =
      found.state === 'differs' ? found.what.filter((one) => this.#isAsked(one.name)) : []
    if (what.length > 0) throw conflict(driver.name, spec.name, what)
    this.#contract = contract
    return contract
  }

  /** A reader that says nothing about dedupe or retention goes by what the channel has. */
  #isAsked(name: string): boolean {
    if (name.startsWith('retention')) return this.#plan.asked.has('retention')
    if (name.startsWith('dedupe')) return this.#plan.asked.has('dedupe')
    return true
  }

  async #publisher(signal: AbortSignal): Promise<Publisher> {
    const session = await this.#host.connection.ready(signal)
    let publisher = this.#publishers.get(session)
    if (!publisher) {
      publisher = this.#prepare(session, signal).then(() =>
        session.publisher(this.#plan.spec, this.#host.connection.closing),
      )
      this.#publishers.set(session, publisher)
      publisher.catch(() => this.#publishers.delete(session)) // the next one asks again
    }
    return publisher
  }

  async #marks(group: string | null, signal: AbortSignal): Promise<Marks> {
    const session = await this.#host.connection.ready(signal)
    const marks = session.marks?.(this.#plan.spec, group)
    if (marks) return marks
    throw new NarrowcastError(
      'INTERNAL',
      `${this.#host.connection.driver.name} claims dedupe on consume and offers no marks`,
    )
  }

  #closedError(): NarrowcastError {
    return new NarrowcastError('CLOSED', `channel "${this.name}" was closed`, {
      channel: this.name,
    })
  }
}

export function unsupportedPattern(
  driver: string,
  pattern: Pattern,
  channel: string,
): NarrowcastError {
  return new NarrowcastError(
    'UNSUPPORTED',
    `${driver} offers no ${pattern} (channel "${channel}")`,
    {
      driver,
      channel,
    },
  )
}

function conflict(
  driver: string,
  channel: string,
  what: readonly { name: string; wanted: string; found: string }[],
): NarrowcastError {
  const each = what.map(({ name, wanted, found }) => `${name}: wanted ${wanted}, found ${found}`)
  return new NarrowcastError(
    'CONFLICT',
    `${driver}: channel "${channel}" exists with other values: ${each.join('; ')}`,
    {
      driver,
      channel,
      operation: 'open',
      hint: `Ask for the values found, or remove it first: narrowcast channels rm ${channel}`,
    },
  )
}
