import type { HeldEntry } from './hand.ts'

/**
 * Work on these has begun: what the server is told of them, in one write however many they are. It
 * stays until the last of them is settled.
 */
export class Begun {
  /** Names the mark among those of its reader. */
  readonly field: string
  readonly #all: readonly HeldEntry[]
  #left: number

  constructor(serial: number, all: readonly HeldEntry[]) {
    this.field = begunField(serial)
    this.#all = all
    this.#left = all.length
    for (const held of all) held.begun = this
  }

  /** As the server keeps it: the entries that are left. */
  get text(): string {
    const left = this.#all.filter(({ begun }) => begun === this)
    return left.map(({ token }) => token.entry).join(' ')
  }

  /** It is not marked with this any more. Returns whether it was the last. */
  end(held: HeldEntry): boolean {
    held.begun = null
    this.#left--
    return this.#left === 0
  }
}

export const begunField = (serial: number): string => `begun:${serial}`
