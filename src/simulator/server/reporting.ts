import type { Clock } from '../../core/clock.ts'
import type { FinishedGame } from '../records.ts'
import type { State } from '../state/state.ts'
import { isOutage } from './outage.ts'
import type { Report } from './report.ts'

export interface ReportingOptions {
  readonly state: State
  readonly report: Report
  readonly clock: Clock
}

/** What a server that closes gives its `log` to take the last finished games. */
const closeMs = 5_000

/** Hands finished games on, and says to the state what became of it: so none goes without record. */
export class Reporting {
  readonly #options: ReportingOptions
  /** On their way. */
  readonly #games = new Set<Promise<void>>()

  constructor(options: ReportingOptions) {
    this.#options = options
  }

  finished(finished: FinishedGame, winner: string | null): void {
    this.#follow(finished, this.#options.report.finished(finished, winner))
  }

  /** It ended elsewhere, and was not reported there. */
  rescued(finished: FinishedGame): void {
    this.#follow(finished, this.#options.report.rescued(finished))
  }

  /** Resolves when all are taken, or the time for it is over. */
  async close(): Promise<void> {
    const done = new AbortController()
    const all = Promise.all(this.#games).then(() => done.abort())
    await Promise.race([all, this.#options.clock.sleep(closeMs, done.signal)])
  }

  #follow({ game_token }: FinishedGame, taken: Promise<boolean>): void {
    const { state, report } = this.#options
    const reported = taken
      .then((isTaken) => state.reported(game_token, isTaken))
      .catch((error: unknown) => {
        // What could not be said to the state falls due again.
        if (!isOutage(error)) report.failed(error)
      })
      .finally(() => this.#games.delete(reported))
    this.#games.add(reported)
  }
}
