export type Fate = 'stored' | 'uncertain' | 'not_stored'

/** Lines of the input that came to the same; `to` null: all that follows too. */
export type Stretch = {
  readonly from: number
  readonly to: number | null
  readonly state: Fate
}

/** `state` null: on its way. */
type Part = Omit<Stretch, 'state'> & { readonly state: Fate | null }

/**
 * What became of each line that was sent. It holds little: what is stored becomes one stretch, and
 * after a failure nothing more is sent.
 */
export class LineFates {
  #parts: Part[] = []

  /**
   * Lines leave, always later ones than before. @returns what takes the fate of each, in their
   * order; null for one that is no message.
   */
  send(lines: readonly number[]): (fates: readonly (Fate | null)[]) => void {
    const part: Part = { from: lines[0] ?? 0, to: lines.at(-1) ?? 0, state: null }
    this.#parts.push(part)
    return (fates) => {
      const known = lines.flatMap((line, at): Part[] => {
        const state = fates[at] ?? null
        return state === null ? [] : [{ from: line, to: line, state }]
      })
      this.#parts.splice(this.#parts.indexOf(part), 1, ...known)
      this.#parts = joined(this.#parts)
    }
  }

  /** The rest of the input is left where it is. */
  leave(from: number): void {
    this.#parts = joined([...this.#parts, { from, to: null, state: 'not_stored' }])
  }

  /** Of what has its answer, in the order of the input. Lines between them hold no message. */
  get stretches(): Stretch[] {
    return this.#parts.flatMap(({ state, ...part }) => (state === null ? [] : [{ ...part, state }]))
  }
}

function joined(parts: readonly Part[]): Part[] {
  const all: Part[] = []
  for (const part of parts) {
    const last = all.at(-1)
    if (last && last.state !== null && last.state === part.state) {
      all[all.length - 1] = { ...last, to: part.to }
    } else all.push(part)
  }
  return all
}
