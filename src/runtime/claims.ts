import type { Marks } from '../core/driver.ts'
import { asNarrowcastError, type NarrowcastError } from '../core/errors.ts'
import type { Token } from '../core/message.ts'
import type { Held } from './held.ts'
import { markId } from './policy.ts'
import type { ReaderHost } from './readerHost.ts'

export type Claimed = 'mine' | 'busy' | 'done'

/** Renewals on their way: what is older has nothing left to renew. */
const renewalsMax = 6

/**
 * Dedupe on consume: an id is claimed before its handler runs and marked done in the same step as
 * the ack. A claim ends with its lease, so it is claimed again for as long as the handler runs.
 */
export class Claims {
  readonly #host: ReaderHost
  readonly #group: string | null
  readonly #claimed = new Map<Held, Token>()
  readonly #closing: AbortSignal
  readonly #failed: (error: NarrowcastError) => void
  #renewals = 0

  constructor(
    host: ReaderHost,
    group: string | null,
    closing: AbortSignal,
    failed: (error: NarrowcastError) => void,
  ) {
    this.#host = host
    this.#group = group
    this.#closing = closing
    this.#failed = failed
    void this.#keep()
  }

  /**
   * All of one batch under the first token: a claim is compared, never settled. That token owns
   * its claims, so a second message of the same id is told to be busy here.
   */
  async claim(batch: readonly Held[]): Promise<readonly Claimed[]> {
    const by = (batch[0] as Held).delivery.token
    const marks = await this.#marks()
    const ids = [...new Set(batch.map(markId))]
    const askedMs = this.#host.clock.monotonicMs()
    const answers = await marks.claim(ids, by, this.#leaseMs, this.#closing)
    const said = new Map(ids.map((id, n) => [id, answers[n] as Claimed]))
    const claimed = batch.map((held) => {
      const id = markId(held)
      const answer = said.get(id) as Claimed
      if (answer !== 'mine') return answer
      this.#claimed.set(held, by)
      said.set(id, 'busy')
      return answer
    })
    // The claim holds since it was asked for: after a slow answer the next tick may be too late.
    if (this.#host.clock.monotonicMs() - askedMs > this.#leaseMs / 3) void this.#renew()
    return claimed
  }

  /** Done by the ack, or lost: nothing keeps it any more. */
  drop(held: Held): void {
    this.#claimed.delete(held)
  }

  /** Before a retry, a release or a burial: the next delivery must find no mark. */
  async forget(held: Held): Promise<void> {
    const by = this.#claimed.get(held)
    if (!by) return
    this.#claimed.delete(held)
    const marks = await this.#marks()
    await marks.finish([markId(held)], by, 'forget', this.#closing)
  }

  get #leaseMs(): number {
    return this.#host.plan.spec.leaseMs
  }

  async #marks(): Promise<Marks> {
    const { consumeWindowMs } = this.#host.plan
    return (await this.#host.open(this.#closing)).marks(this.#group, consumeWindowMs ?? 0)
  }

  async #keep(): Promise<void> {
    while (!this.#closing.aborted) {
      await this.#host.clock.sleep(this.#leaseMs / 3, this.#closing)
      if (!this.#closing.aborted) void this.#renew()
    }
  }

  /** Not awaited: one whose answer is slow must not keep the next from being sent. */
  async #renew(): Promise<void> {
    if (this.#renewals >= renewalsMax) return
    this.#renewals++
    try {
      await this.#renewAll()
    } catch (error) {
      if (!this.#closing.aborted) this.#failed(asNarrowcastError(error))
    } finally {
      this.#renewals--
    }
  }

  async #renewAll(): Promise<void> {
    if (this.#claimed.size === 0) return
    const byToken = Map.groupBy(this.#claimed.keys(), (held) => this.#claimed.get(held) as Token)
    const marks = await this.#marks()
    const renewed = [...byToken].map(([by, held]) =>
      marks.claim(held.map(markId), by, this.#leaseMs, this.#closing),
    )
    await Promise.all(renewed)
  }
}
