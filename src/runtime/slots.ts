import type { Unit } from './unit.ts'

/** The handlers that one subscription may run at once: what runs in them, and who waits for that. */
export class Slots<T> {
  /** What runs now, in the order in which it began. */
  readonly units = new Set<Unit<T>>()
  readonly #count: number
  #lost = 0
  #changed: PromiseWithResolvers<void> | null = null

  constructor(count: number) {
    this.#count = count
  }

  get free(): number {
    return this.#count - this.units.size - this.#lost
  }

  /** Slots that no stuck handler has taken for good. */
  get left(): number {
    return this.#count - this.#lost
  }

  /** The next change, or `wake`. */
  get changed(): Promise<void> {
    this.#changed ??= Promise.withResolvers()
    return this.#changed.promise
  }

  add(unit: Unit<T>): void {
    this.units.add(unit)
  }

  remove(unit: Unit<T>): void {
    this.units.delete(unit)
    this.wake()
  }

  lose(): void {
    this.#lost++
  }

  regain(): void {
    this.#lost--
    this.wake()
  }

  wake(): void {
    this.#changed?.resolve()
    this.#changed = null
  }

  /** Waits until nothing runs, or the signal has fired. */
  async whileBusy(until: AbortSignal): Promise<void> {
    const wake = () => this.wake()
    until.addEventListener('abort', wake)
    while (this.units.size > 0 && !until.aborted) await this.changed
    until.removeEventListener('abort', wake)
  }
}
