const slices = 10

/** How many runs of the last `windowMs` failed, counted in tenths of it, so that it never grows. */
export class FailureWindow {
  readonly #sliceMs: number
  #counts: { readonly slice: number; runs: number; failures: number }[] = []

  constructor(windowMs: number) {
    this.#sliceMs = windowMs / slices
  }

  add(nowMs: number, isFailure: boolean): void {
    const slice = Math.floor(nowMs / this.#sliceMs)
    let last = this.#counts.at(-1)
    if (last?.slice !== slice) {
      last = { slice, runs: 0, failures: 0 }
      this.#counts = [...this.#counts.filter((one) => one.slice > slice - slices), last]
    }
    last.runs++
    if (isFailure) last.failures++
  }

  /** Of the time up to the run that was added last. */
  get runs(): number {
    return this.#counts.reduce((sum, { runs }) => sum + runs, 0)
  }

  get failures(): number {
    return this.#counts.reduce((sum, { failures }) => sum + failures, 0)
  }

  clear(): void {
    this.#counts = []
  }
}
