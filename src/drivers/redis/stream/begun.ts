/**
 * Work on these has begun: what the server is told of them, in one write however many they are. It
 * stays until the last of them is settled.
 */
export class Begun {
  /** Names the mark among those of its reader. */
  readonly field: string
  readonly #entries: Set<string>

  constructor(serial: number, entries: readonly string[]) {
    this.field = `begun:${serial}`
    this.#entries = new Set(entries)
  }

  get isEmpty(): boolean {
    return this.#entries.size === 0
  }

  /** As the server keeps it. */
  get text(): string {
    return [...this.#entries].join(' ')
  }

  delete(entry: string): void {
    this.#entries.delete(entry)
  }
}
