import { setTimeout } from 'node:timers/promises'
import type { Clock } from '../core/clock.ts'
import { NarrowcastError } from '../core/errors.ts'
import type { Bus } from '../runtime/api.ts'
import { Outage } from './output/outage.ts'

/** What is told of a connection: that it is away and why, now and again, and that it is back. */
export type ConnectionEvent =
  | { readonly kind: 'away'; readonly why: string }
  | { readonly kind: 'back' }

/** An outage that nothing else tells of is seen so soon. */
const lookMs = 250
const tellAgainMs = 15_000
const tryAgainMs = 500

/** Tells of the connection of a bus, until it is stopped. */
export class ConnectionWatch {
  readonly #bus: Pick<Bus, 'health'>
  readonly #tell: (event: ConnectionEvent) => void
  readonly #timer: NodeJS.Timeout
  #isAway = false
  #wasAway = false
  #toldMs = 0

  constructor(bus: Pick<Bus, 'health'>, tell: (event: ConnectionEvent) => void) {
    this.#bus = bus
    this.#tell = tell
    this.#timer = setInterval(() => this.#look(), lookMs).unref()
  }

  /** Whether it is lost, and told to be: an error that comes meanwhile says nothing new. */
  get isAway(): boolean {
    this.#look()
    return this.#isAway
  }

  /** Whether an outage was told that is over. */
  get wasAway(): boolean {
    return this.#wasAway
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #look(): void {
    const { trouble } = this.#bus.health()
    const nowMs = performance.now()
    if (trouble === null) {
      if (this.#isAway) this.#tell({ kind: 'back' })
      this.#wasAway ||= this.#isAway
    } else if (!this.#isAway || nowMs - this.#toldMs >= tellAgainMs) {
      this.#tell({ kind: 'away', why: trouble })
      this.#toldMs = nowMs
    }
    this.#isAway = trouble !== null
  }
}

/** Says by lines when the connection of this process is lost, and when it is back. */
export function watchOutage(
  bus: Pick<Bus, 'health'>,
  clock: Clock,
  say: ConstructorParameters<typeof Outage>[1],
): ConnectionWatch {
  const outage = new Outage(clock, say)
  return new ConnectionWatch(bus, (event) => {
    if (event.kind === 'back') outage.back('')
    else outage.away('', event.why)
  })
}

/**
 * Opens a bus on a broker that was there just now: where it is away, that is told and tried again
 * until it is back.
 * @throws what trying again does not mend.
 */
export async function connectPatiently(
  open: () => Promise<Bus>,
  tell: (event: ConnectionEvent) => void,
): Promise<Bus> {
  for (let isAway = false; ; isAway = true) {
    try {
      const bus = await open()
      if (isAway) tell({ kind: 'back' })
      return bus
    } catch (error) {
      if (!(error instanceof NarrowcastError) || !error.retryable) throw error
      tell({ kind: 'away', why: error.message })
    }
    await setTimeout(tryAgainMs)
  }
}
