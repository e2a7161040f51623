import type { Episode } from './episodes.ts'

/** How many messages each event may still explain: one process had only so many in its hands. */
export class Budget {
  readonly #limit: number
  readonly #spent = new Map<number, Set<number>>()

  constructor(limit: number) {
    this.#limit = limit
  }

  hasRoom({ event, most }: Pick<Episode, 'event' | 'most'>, message: number): boolean {
    const spent = this.#spent.get(event)
    return spent?.has(message) === true || (spent?.size ?? 0) < (most ?? this.#limit)
  }

  spend(event: number, message: number): void {
    const spent = this.#spent.get(event) ?? new Set<number>()
    this.#spent.set(event, spent.add(message))
  }
}
