import type { ChannelSpec } from '../core/channel.ts'
import type { Clock } from '../core/clock.ts'
import { type Contract, type ContractRow, checkNotStronger, contractRow } from '../core/contract.ts'
import type { Driver, Marks, Publisher, Session } from '../core/driver.ts'
import { NarrowcastError } from '../core/errors.ts'
import { channelConflict } from './channelConflict.ts'
import { type ChannelPlan, checkWishes } from './channelOptions.ts'
import type { Connection } from './connection.ts'
import { DirectPublisher } from './live/directPublisher.ts'
import { Router } from './live/router.ts'
import { pickBy, type StrategyHost } from './strategies/strategies.ts'
import { untilAborted } from './untilAborted.ts'

/** A channel on one session: declared, its wishes checked, with what is opened from it. */
export class OpenedChannel {
  readonly session: Session
  readonly contract: Contract
  readonly #spec: ChannelSpec
  readonly #closing: AbortSignal
  /** Null: the broker brings messages to where they go. */
  readonly #router: Router | null
  #publisher: Promise<Publisher> | null = null

  constructor(
    session: Session,
    contract: Contract,
    spec: ChannelSpec,
    router: Router | null,
    closing: AbortSignal,
  ) {
    this.session = session
    this.contract = contract
    this.#spec = spec
    this.#router = router
    this.#closing = closing
  }

  publisher(): Promise<Publisher> {
    this.#publisher ??= this.#openPublisher()
    return this.#publisher
  }

  /** The dedupe store of a group. Opening has checked that the contract offers it. */
  marks(group: string | null, windowMs: number): Marks {
    const marks = this.session.marks?.(this.#spec, group, windowMs)
    if (marks) return marks
    throw new NarrowcastError(
      'INTERNAL',
      `${this.session.info.product} claims dedupe on consume and offers no marks`,
    )
  }

  /** What is not open by then is closed with its session. */
  async close(deadline: AbortSignal): Promise<void> {
    if (!this.#publisher) return
    const publisher = await untilAborted(this.#publisher, deadline).catch(() => null)
    await publisher?.[Symbol.asyncDispose]()
  }

  async #openPublisher(): Promise<Publisher> {
    if (this.#router) return new DirectPublisher(this.#router)
    try {
      return await this.session.publisher(this.#spec, this.#closing)
    } catch (error) {
      this.#publisher = null // the next one asks again
      throw error
    }
  }
}

export interface OpeningHost extends StrategyHost {
  readonly connection: Connection
  readonly clock: Clock
}

/**
 * Opens a channel once per session. Whoever waits for it brings a signal of their own: the opening
 * itself goes on for the others.
 */
export class Opening {
  readonly #host: OpeningHost
  readonly #plan: ChannelPlan
  #opened: { session: Session; promise: Promise<OpenedChannel> } | null = null

  constructor(host: OpeningHost, plan: ChannelPlan) {
    this.#host = host
    this.#plan = plan
  }

  /** Waits for a session. @throws UNSUPPORTED, CONFLICT, or what the driver throws. */
  async open(signal: AbortSignal): Promise<OpenedChannel> {
    const session = await this.#host.connection.ready(signal)
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

  /** What is not open by then is closed with its session. */
  async close(deadline: AbortSignal): Promise<void> {
    if (!this.#opened) return
    const opened = await untilAborted(this.#opened.promise, deadline).catch(() => null)
    await opened?.close(deadline)
  }

  async #declare(session: Session): Promise<OpenedChannel> {
    const { driver, closing } = this.#host.connection
    const { spec } = this.#plan
    const row = contractRow(spec)
    const most = driver.contracts[row]
    if (!most) throw unsupportedPattern(driver, row, spec.name)
    const router = row === 'narrowcast' ? this.#router(session) : null
    const contract = await session.contract(spec, closing)
    checkNotStronger(driver.name, most, contract)
    checkWishes(this.#plan, contract, driver.name)
    const found = await session.admin.ensure(spec, closing)
    const what =
      found.state === 'differs' ? found.what.filter((one) => this.#isAsked(one.name)) : []
    if (what.length > 0) throw channelConflict(driver.name, spec.name, what)
    return new OpenedChannel(session, contract, spec, router, closing)
  }

  #router(session: Session): Router {
    const { spec, strategy } = this.#plan
    const { clock } = this.#host
    return new Router({ session, spec, clock, pick: pickBy(strategy, spec.name, this.#host) })
  }

  /** Who says nothing about dedupe or retention goes by what the channel has. */
  #isAsked(name: string): boolean {
    if (name.startsWith('retention')) return this.#plan.asked.has('retention')
    if (name.startsWith('dedupe')) return this.#plan.asked.has('dedupe')
    return true
  }
}

export function unsupportedPattern(
  { name: driver, advice }: Pick<Driver, 'name' | 'advice'>,
  row: ContractRow,
  channel: string,
): NarrowcastError {
  const what = row === 'narrowcast-relay' ? 'narrowcast by relay' : row
  const hint = advice?.[row]
  return new NarrowcastError('UNSUPPORTED', `${driver} offers no ${what} (channel "${channel}")`, {
    ...{ driver, channel },
    ...(hint === undefined ? {} : { hint }),
  })
}
