import { calibrate } from '../../lab/instrument/calibrate.ts'

/** What the lab itself can do on this machine: measured once for all runs, or before each anew. */
export class Ceiling {
  readonly #isAnew: boolean
  #measured: Promise<number> | null = null

  constructor(isAnew = false) {
    this.#isAnew = isAnew
  }

  /** Messages a second. `folder`: where ledgers are written. */
  perSecond(folder: string): Promise<number> {
    if (this.#isAnew || !this.#measured) this.#measured = calibrate(folder)
    return this.#measured
  }
}
