import { calibrate } from '../../lab/instrument/calibrate.ts'

/** What the lab itself can do on this machine, measured once, however many runs there are. */
export class Ceiling {
  #measured: Promise<number> | null = null

  /** Messages a second. `folder`: where ledgers are written. */
  perSecond(folder: string): Promise<number> {
    this.#measured ??= calibrate(folder)
    return this.#measured
  }
}
