import { NarrowcastError } from '../../core/errors.ts'
import type { Happening, State } from '../state/state.ts'
import type { Lobbies } from './lobbies.ts'
import { isOutage } from './outage.ts'
import type { Report } from './report.ts'
import type { Reporting } from './reporting.ts'

export interface OthersOptions {
  readonly state: State
  readonly lobbies: Lobbies
  readonly report: Report
  readonly reporting: Reporting
}

/** Follows what the other servers of a shared state do to the games of this one. */
export class Others {
  readonly #options: OthersOptions
  #isUp = true

  constructor(options: OthersOptions) {
    this.#options = options
    options.state.watch((happening) => this.#follow(happening))
  }

  #follow(happening: Happening): void {
    const { lobbies, report, reporting } = this.#options
    const { type } = happening
    if (type === 'turn') lobbies.turned(happening.game, happening)
    else if (type === 'over') lobbies.over(happening.game)
    else if (type === 'look') this.#run(lobbies.begun(happening.game))
    else if (type === 'taken') lobbies.taken(happening.game, happening.user)
    else if (type === 'orphans') {
      if (happening.isKept) lobbies.open(happening.game)
      lobbies.left(happening.game, happening.users, happening.left, 'left')
    } else if (type === 'unreported') reporting.rescued(happening.finished)
    else if (type === 'failed') report.failed(happening.error)
    else this.#stateChanged(happening)
  }

  #stateChanged(change: Happening & { readonly type: 'down' | 'up' }): void {
    const { report } = this.#options
    const wasUp = this.#isUp
    this.#isUp = change.type === 'up'
    if (change.type === 'down') report.stateChanged(false, change.error.message)
    else {
      if (!wasUp) report.stateChanged(true, 'sim server: the state in Redis is there again')
      this.#run(this.#catchUp())
    }
  }

  /** What happened while nothing was heard. */
  async #catchUp(): Promise<void> {
    const { state, lobbies } = this.#options
    lobbies.doubt()
    const present = await state.present()
    // Who came to a lobby just before this answer is known here by the next turn of the loop.
    await new Promise((done) => setImmediate(done))
    await Promise.all(present.map(({ game, users }) => lobbies.missing(game, users)))
    for (const { game } of present) lobbies.open(game)
    const isKnown = await Promise.all(lobbies.games.map((game) => lobbies.refresh(game)))
    const lost = isKnown.filter((isStill) => !isStill).length
    if (lost > 0) this.#options.report.failed(gone(lost))
  }

  /** Where the state goes away again, so does the need: it is all done anew when it is back. */
  #run(work: Promise<unknown>): void {
    work.catch((error: unknown) => {
      if (!isOutage(error)) this.#options.report.failed(error)
    })
  }
}

function gone(games: number): NarrowcastError {
  const text = `sim server: games that ran here and are not in the state any more: ${games}`
  return new NarrowcastError('NOT_FOUND', text, {
    hint: 'Redis lost them, or took this server for dead. An append-only file keeps games.',
  })
}
