import { asNarrowcastError, NarrowcastError } from '../core/errors.ts'
import type { Settlement, SettleOutcome } from '../core/message.ts'
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

  /** Resolves when each has its answer. What could not be settled comes again, and is told. */
  async settle(batch: readonly Held[], endings: readonly Ending[]): Promise<void> {
    if (batch.length === 0) return
    if (this.#claims) await this.#forget(batch.filter((_, n) => endings[n]?.kind !== 'ack'))
    const settlements = batch.map((held, n) =>
      settlementOf(held, endings[n] as Ending, this.#policy),
    )
    await new Promise<void>((resolve) => {
      let left = batch.length
      this.#reader.settle(batch, settlements, (at, outcome) => {
        const held = batch[at] as Held
        if (outcome instanceof NarrowcastError) this.#tell(held, outcome)
        else this.#settled(held, endings[at] as Ending, settlements[at] as Settlement, outcome)
        this.#claims?.drop(held)
        left--
        if (left === 0) resolve()
      })
    })
  }

  async release(batch: readonly Held[], delayMs: number): Promise<void> {
    const release: Ending = { kind: 'release', delayMs }
    await this.settle(
      batch,
      batch.map(() => release),
    )
  }

  #settled(held: Held, ending: Ending, settlement: Settlement, outcome: SettleOutcome): void {
    if (outcome !== 'late' && ending.kind === 'release') this.released++
    else if (outcome !== 'late') this.settled++
    const isDead = settlement.kind === 'dead' && outcome !== 'late'
    if (ending.kind === 'failed' && !ending.isAsked) {
      const { name } = this.#policy.plan.spec
      this.#tell(held, handlerFailed(ending.error, name, isDead ? deadHint(name) : undefined))
    }
    if (isDead) this.#events.emit('dead', { ...held.of, letter: settlement.letter })
  }

  /** A claim that cannot be dropped now ends with its lease: nothing keeps it any more. */
  async #forget(batch: readonly Held[]): Promise<void> {
    const forgets = batch.map(async (held) => {
      try {
        await this.#claims?.forget(held)
      } catch (error) {
        this.#tell(held, asNarrowcastError(error))
      }
    })
    await Promise.all(forgets)
  }

  #tell(held: Held, error: NarrowcastError): void {
    this.#events.emit('error', { id: held.id, error })
  }
}
