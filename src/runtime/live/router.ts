import type { ChannelSpec, WorkerRef } from '../../core/channel.ts'
import type { Clock } from '../../core/clock.ts'
import type { Lead, Live, SendOutcome, Session } from '../../core/driver.ts'
import { asNarrowcastError, NarrowcastError } from '../../core/errors.ts'
import type { OutgoingMessage } from '../../core/message.ts'
import { type Candidates, nameOf, type Pick } from '../strategies/pick.ts'

/** Who has come is seen after so long; who has gone, by the first message that is sent to it. */
const workersMsMax = 1_000

/** What became of one message. */
export type Routed =
  /** handed: to that one. unknown: maybe, and therefore to no other. */
  | {
      readonly kind: 'handed' | 'unknown'
      readonly to: WorkerRef
      readonly isReroute: boolean
    }
  /** Nobody was there to be given it. */
  | { readonly kind: 'no-worker' }
  /** The lead is gone: certainly sent to nobody. */
  | { readonly kind: 'fenced' }
  /** Certainly sent to nobody: the broker could not be asked. */
  | { readonly kind: 'failed'; readonly error: NarrowcastError }

export interface Choice {
  readonly to: WorkerRef
  readonly message: OutgoingMessage
  /** Another one was chosen before, and is gone. */
  readonly isReroute: boolean
}

export interface RouterHost {
  readonly session: Session
  readonly spec: ChannelSpec
  readonly clock: Clock
  readonly pick: Pick
  /** Awaited before each send. */
  readonly chosen?: (choices: readonly Choice[]) => Promise<void>
}

/**
 * Sends each message to one live worker. A worker that is gone is passed over for another; one that
 * may have been given the message never is. Messages to one worker keep their order, but for those
 * that had to be sent to another. One call at a time.
 */
export class Router {
  readonly #host: RouterHost
  readonly #live: Sending
  #workers: readonly WorkerRef[] = []
  #askedMs = Number.NEGATIVE_INFINITY

  constructor(host: RouterHost) {
    this.#host = host
    this.#live = sending(host.session)
  }

  /** Who was there last counts for a moment; where nobody was, the broker is asked anew. */
  async hasWorkers(signal: AbortSignal): Promise<boolean> {
    await this.#refresh(workersMsMax, signal)
    return this.#workers.length > 0
  }

  /** One outcome per message, in their order. Never rejects. */
  async route(
    batch: readonly OutgoingMessage[],
    lead: Lead | null,
    signal: AbortSignal,
  ): Promise<Routed[]> {
    const routes = new Array<Routed>(batch.length).fill({ kind: 'no-worker' })
    const gone = new Set<string>()
    let open = [...batch.keys()]
    try {
      let isFresh = await this.#refresh(workersMsMax, signal)
      while (open.length > 0) {
        const candidates = this.#workers.filter((one) => !gone.has(nameOf(one)))
        if (candidates.length === 0) {
          if (isFresh) break
          isFresh = await this.#refresh(0, signal)
          continue
        }
        const isReroute = gone.size > 0
        const choices = open.map((n) => {
          const message = batch[n] as OutgoingMessage
          const to = this.#host.pick(candidates as unknown as Candidates, message.key)
          return { to, message, isReroute }
        })
        await this.#host.chosen?.(choices)
        const sent = await this.#send(choices, lead, signal)
        for (const [at, n] of open.entries()) routes[n] = sent[at] as Routed
        const missed = choices.filter((_, at) => sent[at]?.kind === 'no-worker')
        for (const { to } of missed) gone.add(nameOf(to))
        open = open.filter((n) => routes[n]?.kind === 'no-worker')
        if (missed.length > 0 && !isFresh) isFresh = await this.#refresh(0, signal)
      }
    } catch (cause) {
      const error = asNarrowcastError(cause)
      for (const n of open) routes[n] = { kind: 'failed', error }
    }
    return routes
  }

  async #refresh(ageMsMax: number, signal: AbortSignal): Promise<boolean> {
    const { clock, spec } = this.#host
    const nowMs = clock.monotonicMs()
    if (this.#workers.length > 0 && nowMs - this.#askedMs < ageMsMax) return false
    this.#workers = await this.#live.workers(spec, signal)
    this.#askedMs = nowMs
    return true
  }

  async #send(
    choices: readonly Choice[],
    lead: Lead | null,
    signal: AbortSignal,
  ): Promise<Routed[]> {
    try {
      const outcomes = await this.#live.send(this.#host.spec, choices, lead, signal)
      return choices.map((choice, n) => routed(outcomes[n], choice))
    } catch (cause) {
      const error = asNarrowcastError(cause)
      const isForGood = error.definite && !error.retryable
      if (isForGood && choices.length > 1) return this.#sendEach(choices, lead, signal)
      return choices.map((choice) =>
        error.definite ? { kind: 'failed', error } : routed(undefined, choice),
      )
    }
  }

  /** None was sent, for one can never be: it must not spoil its neighbours. */
  async #sendEach(
    choices: readonly Choice[],
    lead: Lead | null,
    signal: AbortSignal,
  ): Promise<Routed[]> {
    const routes: Routed[] = []
    for (const choice of choices) routes.push(...(await this.#send([choice], lead, signal)))
    return routes
  }
}

/** Nobody knows what becomes of a message for which the driver gives no outcome. */
function routed(outcome: SendOutcome | undefined, { to, isReroute }: Choice): Routed {
  if (outcome === 'nobody') return { kind: 'no-worker' }
  if (outcome === 'fenced') return { kind: 'fenced' }
  return { kind: outcome ?? 'unknown', to, isReroute }
}

interface Sending {
  readonly workers: NonNullable<Live['workers']>
  readonly send: NonNullable<Live['send']>
}

function sending({ live, info }: Session): Sending {
  if (live?.workers && live.send) {
    return { workers: live.workers.bind(live), send: live.send.bind(live) }
  }
  throw new NarrowcastError('INTERNAL', `${info.product} claims narrowcast and cannot send one`)
}
