import { asNarrowcastError, NarrowcastError } from '../../core/errors.ts'
import {
  eventRecord,
  type FinishedBy,
  type FinishedGame,
  finishedRecords,
  type GameRecord,
  type RecordChannel,
  type RecordTask,
} from '../records.ts'
import type { Round, Seat } from '../state/state.ts'
import type { AttackDetails } from './answers.ts'

/** What a server tells its owner while it runs. */
export interface ServerEvents {
  started: { readonly game: string; readonly players: number }
  hit: { readonly game: string }
  finished: FinishedGame & { readonly winner: string | null }
  timedOut: { readonly game: string }
  /** A client that the server closed for a limit it passed. */
  refused: { readonly code: number }
  /** A state that is shared went out of reach, or is there again. */
  state: { readonly isUp: boolean; readonly text: string }
  /** `log`, a listener or the state failed; the games go on. */
  error: NarrowcastError
}

/** Totals since the start. */
export interface ServerTotals {
  started: number
  /** Of those started: won by the last one standing. */
  complete: number
  /** Of those started: all left at once. */
  abandoned: number
  /** Finished games whose records were written here because whoever ended them did not. */
  rescued: number
  /** Lobbies that did not fill in time. */
  timedOut: number
  hits: number
  /** Players who died by leaving, or by not taking their turn. */
  forfeits: number
  /** Requests answered with a refusal. */
  refusals: number
  /** Connections closed for a limit they passed. */
  connectionsRefused: number
  /** Failures of `log`, of a listener or of the state. */
  errors: number
}

export interface ReportOptions {
  readonly log: ((record: GameRecord) => unknown) | null
  readonly finished: FinishedBy
  readonly hasEvents: boolean
  /** What `log` does not take of a finished game is handed to it again. */
  readonly comesAgain: boolean
  readonly nowMs: () => number
}

/** Counts what happens, writes the records, and tells the listeners. */
export class Report {
  readonly totals: ServerTotals = {
    started: 0,
    complete: 0,
    abandoned: 0,
    rescued: 0,
    timedOut: 0,
    hits: 0,
    forfeits: 0,
    refusals: 0,
    connectionsRefused: 0,
    errors: 0,
  }
  readonly #options: ReportOptions
  readonly #listeners = new Map<keyof ServerEvents, Set<(what: never) => void>>()

  constructor(options: ReportOptions) {
    this.#options = options
  }

  on<E extends keyof ServerEvents>(
    event: E,
    listener: (what: ServerEvents[E]) => void,
  ): () => void {
    const listeners = this.#listeners.get(event) ?? new Set()
    this.#listeners.set(event, listeners)
    listeners.add(listener)
    return () => listeners.delete(listener)
  }

  joined({ game, user_token, superhero_id, isNew }: Seat): void {
    const task = { game_token: game, user_token, superhero_id, is_host: isNew }
    this.#write('lib.server.lobby', 'Joined Game', task)
  }

  leftLobby(game: string, user_token: string): void {
    this.#write('lib.server.lobby', 'Left Lobby', { game_token: game, user_token })
  }

  timedOut(game: string): void {
    this.totals.timedOut++
    this.#write('lib.server.lobby', 'Lobby Timed Out', { game_token: game })
    this.#emit('timedOut', { game })
  }

  started(game: string, { participants, fighters }: Round): void {
    this.totals.started++
    const idOf = new Map(fighters.map(({ token, id }) => [token, id]))
    this.#write('lib.server.lobby', 'Started Game', {
      game_token: game,
      participants: participants.map((user_token) => ({
        user_token,
        superhero_id: idOf.get(user_token),
      })),
    })
    this.#emit('started', { game, players: participants.length })
  }

  hit(game: string, user_token: string, made: AttackDetails): void {
    this.totals.hits++
    const task = {
      game_token: game,
      user_token,
      enemy_token: made.enemy,
      enemy_damage: made.damage,
      enemy_health_prior: made.healthPrior,
      enemy_health_post: made.healthPost,
    }
    this.#write('lib.server.game', 'Hit', task)
    if (this.#options.hasEvents) this.#write('combat.events', 'Hit', task)
    this.#emit('hit', { game })
  }

  forfeited(game: string, fallen: readonly string[], why: 'left' | 'turn timed out'): void {
    for (const user_token of fallen) {
      this.totals.forfeits++
      this.#write('lib.server.game', 'Forfeit', { game_token: game, user_token, why })
    }
  }

  /** Resolves with whether all records of the game were taken. */
  finished(finished: FinishedGame, winner: string | null): Promise<boolean> {
    this.totals[finished.outcome]++
    const { game_token, outcome } = finished
    this.#write('lib.server.lobby', 'Ended Game', { game_token, outcome, winner })
    const taken = this.#handOn(finished)
    this.#emit('finished', { ...finished, winner })
    return taken
  }

  /** The same for a game that ended elsewhere, and was not reported there. */
  async rescued(finished: FinishedGame): Promise<boolean> {
    const isTaken = await this.#handOn(finished)
    if (isTaken) this.totals.rescued++
    return isTaken
  }

  async #handOn(finished: FinishedGame): Promise<boolean> {
    const { log, comesAgain } = this.#options
    if (log === null) return true
    const taken = finishedRecords(finished, this.#options.finished).map(async (record) => {
      try {
        await log(record)
        return true
      } catch (error) {
        this.failed(notTaken(finished.game_token, error, comesAgain))
        return false
      }
    })
    return (await Promise.all(taken)).every(Boolean)
  }

  refusal(): void {
    this.totals.refusals++
  }

  connectionRefused(code: number): void {
    this.totals.connectionsRefused++
    this.#emit('refused', { code })
  }

  failed(error: unknown): void {
    this.totals.errors++
    this.#emit('error', asNarrowcastError(error, 'INTERNAL', { operation: 'simulator' }))
  }

  stateChanged(isUp: boolean, text: string): void {
    this.#emit('state', { isUp, text })
  }

  #write(channel: RecordChannel, message: string, task: RecordTask): void {
    const { log, nowMs } = this.#options
    if (log === null) return
    try {
      const taking = log(eventRecord(channel, message, task, nowMs()))
      if (taking instanceof Promise) taking.catch((error: unknown) => this.failed(error))
    } catch (error) {
      this.failed(error)
    }
  }

  #emit<E extends keyof ServerEvents>(event: E, what: ServerEvents[E]): void {
    for (const listener of this.#listeners.get(event) ?? []) {
      try {
        ;(listener as (what: ServerEvents[E]) => void)(what)
      } catch (error) {
        if (event !== 'error') this.failed(error)
        else process.emitWarning(`a listener of "error" threw: ${error}`, 'NarrowcastWarning')
      }
    }
  }
}

/** A game that nobody hears of must be findable by its token. */
function notTaken(game: string, cause: unknown, comesAgain: boolean): NarrowcastError {
  const why = cause instanceof Error ? cause.message : String(cause)
  const what = comesAgain ? 'is yet to be written' : 'is lost'
  return new NarrowcastError(
    'HANDLER_FAILED',
    `sim server: log threw, so the record of the finished game ${game} ${what}: ${why}`,
    { cause, operation: 'simulator' },
  )
}
