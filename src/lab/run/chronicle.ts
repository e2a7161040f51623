import type { ActorEventName, ActorId, LabEvent } from '../evidence/evidence.ts'

/** What the supervisor did and saw, with the times before and after. */
export class Chronicle {
  readonly #events: LabEvent[] = []
  readonly #nowNs: () => bigint
  readonly #watch: (event: LabEvent) => void

  constructor(nowNs: () => bigint, watch: (event: LabEvent) => void) {
    this.#nowNs = nowNs
    this.#watch = watch
  }

  /** An event that lasts as long as the call. */
  async told<T>(event: ActorEventName, id: ActorId, call: () => T | Promise<T>): Promise<T> {
    const fromNs = this.#nowNs()
    const result = await call()
    this.note({ event, ...id, fromNs, toNs: this.#nowNs() })
    return result
  }

  note(event: LabEvent): void {
    this.#events.push(event)
    this.#watch(event)
  }

  /** By their beginning. */
  get events(): LabEvent[] {
    return this.#events.toSorted((a, b) => Number(a.fromNs - b.fromNs))
  }
}
