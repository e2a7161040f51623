import { asNarrowcastError, type NarrowcastError } from '../core/errors.ts'
import type { Claims } from './claims.ts'
import type { Events } from './events.ts'
import { handlerFailed } from './handlerFailed.ts'
import type { Held } from './held.ts'
import { type Ending, type PolicyHost, settlementOf } from './policy.ts'
import type { Reader } from './reader.ts'

const deadHint = (channel: string) =>
  `That was its last try: it is a dead letter now. Mend the cause, then send it back: narrowcast dead redrive ${channel}`

/** Turns the end of the work on a message into its settlement, and tells what came of it. */
export class Conclusions {
  readonly #policy: PolicyHost
  readonly #reader: Reader
  readonly #claims: Claims | null
  readonly #events: Events
  settled = 0
  released = 0

  constructor(policy: PolicyHost, reader: Reader, claims: Claims | null, events: Events) {
    this.#policy = policy
    this.#reader = reader
    this.#claims = claims
    this.#events = events
  }

  /** Never rejects: what could not be settled comes again, and is told. */
  async settle(held: Held, ending: Ending): Promise<void> {
    try {
      if (ending.kind !== 'ack') await this.#forget(held)
      const settlement = settlementOf(held, ending, this.#policy)
      const outcome = await this.#reader.settle(held, settlement)
      if (outcome !== 'late' && ending.kind === 'release') this.released++
      else if (outcome !== 'late') this.settled++
      if (ending.kind === 'failed' && !ending.isAsked) {
        const { name } = this.#policy.plan.spec
        const isDead = settlement.kind === 'dead' && outcome !== 'late'
        this.#tell(held, handlerFailed(ending.error, name, isDead ? deadHint(name) : undefined))
      }
      if (settlement.kind === 'dead' && outcome !== 'late') {
        this.#events.emit('dead', { ...held.of, letter: settlement.letter })
      }
    } catch (error) {
      this.#tell(held, asNarrowcastError(error))
    } finally {
      this.#claims?.drop(held)
    }
  }

  async release(batch: readonly Held[], delayMs: number): Promise<void> {
    await Promise.all(batch.map((held) => this.settle(held, { kind: 'release', delayMs })))
  }

  /** A claim that cannot be dropped now ends with its lease: nothing keeps it any more. */
  async #forget(held: Held): Promise<void> {
    try {
      await this.#claims?.forget(held)
    } catch (error) {
      this.#tell(held, asNarrowcastError(error))
    }
  }

  #tell(held: Held, error: NarrowcastError): void {
    this.#events.emit('error', { id: held.id, error })
  }
}
