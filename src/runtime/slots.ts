import type { Unit } from './unit.ts'

/** The handlers that one subscription may run at once: what runs in them, and who waits for that. */
export class Slots<T> {
  /** What is not settled, in the order in which it began. */
  readonly units = new Set<Unit<T>>()
  readonly #count: number
  readonly #settling = new Set<Unit<T>>()
  #lost = 0
  #changed: PromiseWithResolvers<void> | null = null

  constructor(count: number) {
    this.#count = count
  }

  /** What waits for its settlement alone holds a slot only where that has become as many as run. */
  get free(): number {
    const running = this.units.size - this.#settling.size
    return this.#count - this.#lost - Math.max(running, this.units.size - this.#count)
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

  /** Its settlement is on its way: the next may be asked for behind it. */
  settles(unit: Unit<T>): void {
    this.#settling.add(unit)
    this.wake()
  }

  remove(unit: Unit<T>): void {
    this.units.delete(unit)
    this.#settling.delete(unit)
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
