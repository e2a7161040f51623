export type Mark = 'mine' | 'busy' | 'done'

/** One entry of the log of ids. All that read it come to the same answers, for it has one order. */
export type Entry =
  | {
      readonly kind: 'claim'
      /** Tells this claim from all others. */
      readonly name: string
      readonly ids: readonly string[]
      readonly by: string
      readonly atMs: number
      readonly leaseMs: number
    }
  | {
      readonly kind: 'done'
      readonly ids: readonly string[]
      readonly atMs: number
      readonly keepMs: number
    }
  | { readonly kind: 'forget'; readonly ids: readonly string[]; readonly by: string }

interface Kept {
  /** Null: it was worked off. */
  readonly by: string | null
  readonly untilMs: number
}

/** After so many entries those that are over are thrown away. */
const sweepEvery = 10_000

/** What the entries of a log say of each id, by the clocks of those who wrote them. */
export class Book {
  readonly #kept = new Map<string, Kept>()
  #entries = 0

  /** What a claim is answered; of any other entry nothing. */
  take(entry: Entry): Mark[] {
    if (++this.#entries % sweepEvery === 0 && 'atMs' in entry) this.#sweep(entry.atMs)
    switch (entry.kind) {
      case 'claim': {
        const { by, atMs, leaseMs } = entry
        return entry.ids.map((id) => this.#claim(id, { by, untilMs: atMs + leaseMs }, atMs))
      }
      case 'done':
        for (const id of entry.ids) {
          this.#kept.set(id, { by: null, untilMs: entry.atMs + entry.keepMs })
        }
        return []
      case 'forget':
        for (const id of entry.ids) if (this.#kept.get(id)?.by === entry.by) this.#kept.delete(id)
        return []
    }
  }

  get size(): number {
    return this.#kept.size
  }

  #claim(id: string, claim: Kept, atMs: number): Mark {
    const kept = this.#kept.get(id)
    if (kept !== undefined && kept.untilMs > atMs && kept.by !== claim.by) {
      return kept.by === null ? 'done' : 'busy'
    }
    this.#kept.set(id, claim)
    return 'mine'
  }

  #sweep(nowMs: number): void {
    for (const [id, { untilMs }] of this.#kept) if (untilMs <= nowMs) this.#kept.delete(id)
  }
}
