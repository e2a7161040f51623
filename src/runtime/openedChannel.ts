import type { ChannelSpec } from '../core/channel.ts'
import { type Contract, checkNotStronger } from '../core/contract.ts'
import type { Marks, Publisher, Session } from '../core/driver.ts'
import { NarrowcastError } from '../core/errors.ts'
import type { Pattern } from '../core/message.ts'
import { channelConflict } from './channelConflict.ts'
import { type ChannelPlan, checkWishes } from './channelOptions.ts'
import type { Connection } from './connection.ts'
import { untilAborted } from './untilAborted.ts'

/** A channel on one session: declared, its wishes checked, with what is opened from it. */
export class OpenedChannel {
  readonly session: Session
  readonly contract: Contract
  readonly #spec: ChannelSpec
  readonly #closing: AbortSignal
  #publisher: Promise<Publisher> | null = null

  constructor(session: Session, contract: Contract, spec: ChannelSpec, closing: AbortSignal) {
    this.session = session
    this.contract = contract
    this.#spec = spec
    this.#closing = closing
  }

  publisher(): Promise<Publisher> {
    this.#publisher ??= this.#openPublisher()
    return this.#publisher
  }

  /** The dedupe store of a group. Opening has checked that the contract offers it. */
  marks(group: string | null): Marks {
    const marks = this.session.marks?.(this.#spec, group)
    if (marks) return marks
    throw new NarrowcastError(
      'INTERNAL',
      `${this.session.info.product} claims dedupe on consume and offers no marks`,
    )
  }

  async close(): Promise<void> {
    const publisher = await this.#publisher?.catch(() => null) // never opened: nothing to close
    await publisher?.[Symbol.asyncDispose]()
  }

  async #openPublisher(): Promise<Publisher> {
    try {
      return await this.session.publisher(this.#spec, this.#closing)
    } catch (error) {
      this.#publisher = null // the next one asks again
      throw error
    }
  }
}

/**
 * Opens a channel once per session. Whoever waits for it brings a signal of their own: the opening
 * itself goes on for the others.
 */
export class Opening {
  readonly #connection: Connection
  readonly #plan: ChannelPlan
  #opened: { session: Session; promise: Promise<OpenedChannel> } | null = null

  constructor(connection: Connection, plan: ChannelPlan) {
    this.#connection = connection
    this.#plan = plan
  }

  /** Waits for a session. @throws UNSUPPORTED, CONFLICT, or what the driver throws. */
  async open(signal: AbortSignal): Promise<OpenedChannel> {
    const session = await this.#connection.ready(signal)
    if (this.#opened?.session !== session) {
      const promise = this.#declare(session)
      this.#opened = { session, promise }
      promise.catch(() => this.forget(session)) // the next one asks again
    }
    return untilAborted(this.#opened.promise, signal)
  }

  /** The channel is gone from the broker: it is declared again at the next opening. */
  forget(session: Session): void {
    if (this.#opened?.session === session) this.#opened = null
  }

  async close(): Promise<void> {
    const opened = await this.#opened?.promise.catch(() => null) // never opened: nothing to close
    await opened?.close()
  }

  async #declare(session: Session): Promise<OpenedChannel> {
    const { driver, closing } = this.#connection
    const { spec } = this.#plan
    const most = driver.contracts[spec.pattern]
    if (!most) throw unsupportedPattern(driver.name, spec.pattern, spec.name)
    const contract = await session.contract(spec, closing)
    checkNotStronger(driver.name, most, contract)
    checkWishes(this.#plan, contract, driver.name)
    const found = await session.admin.ensure(spec, closing)
    const what =
      found.state === 'differs' ? found.what.filter((one) => this.#isAsked(one.name)) : []
    if (what.length > 0) throw channelConflict(driver.name, spec.name, what)
    return new OpenedChannel(session, contract, spec, closing)
  }

  /** Who says nothing about dedupe or retention goes by what the channel has. */
  #isAsked(name: string): boolean {
    if (name.startsWith('retention')) return this.#plan.asked.has('retention')
    if (name.startsWith('dedupe')) return this.#plan.asked.has('dedupe')
    return true
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
