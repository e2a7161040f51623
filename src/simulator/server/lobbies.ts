import type { Clock } from '../../core/clock.ts'
import type { After, Round, State } from '../state/state.ts'
import { answers } from './answers.ts'
import type { Connection } from './connection.ts'
import type { Report } from './report.ts'

export interface LobbiesOptions {
  readonly state: State
  readonly report: Report
  readonly clock: Clock
  readonly turnMs: number
  readonly turnTimeoutMs: number
  readonly lobbyTimeoutMs: number
}

/** A game as this server sees it: who listens, and which times run. */
interface Lobby {
  readonly game: string
  readonly listeners: Map<string, Connection>
  /** Fires when the game has started, or will never start. */
  readonly noLongerOpen: AbortController
  readonly over: AbortController
  /** User token of the player who may act now; null while the next turn is not yet announced. */
  turn: string | null
  /** Turns so far, the one to be announced included. */
  turns: number
  /** Monotonic time since which the game waits for this turn. */
  turnSinceMs: number
}

/** Given as the reason of every abort: making the error that is the default takes 4 % of the time. */
const ended = 'ended'

/** Tells the players of each game what concerns them, and ends what waits too long. */
export class Lobbies {
  readonly #options: LobbiesOptions
  readonly #lobbies = new Map<string, Lobby>()

  constructor(options: LobbiesOptions) {
    this.#options = options
  }

  get count(): number {
    return this.#lobbies.size
  }

  open(game: string): void {
    const lobby: Lobby = {
      game,
      listeners: new Map(),
      noLongerOpen: new AbortController(),
      over: new AbortController(),
      turn: null,
      turns: 0,
      turnSinceMs: 0,
    }
    this.#lobbies.set(game, lobby)
    this.#run(this.#watchOpen(lobby))
  }

  /** From now on this connection hears of the game; when it closes, the player leaves. */
  listen(game: string, userToken: string, connection: Connection): void {
    const lobby = this.#lobbies.get(game)
    if (!lobby) return
    const earlier = lobby.listeners.get(userToken)
    if (earlier) forget(earlier, game, userToken)
    lobby.listeners.set(userToken, connection)
    const users = connection.lobbies.get(game) ?? new Set()
    connection.lobbies.set(game, users.add(userToken))
  }

  start(game: string, round: Round): void {
    const lobby = this.#lobbies.get(game)
    if (!lobby) return
    lobby.noLongerOpen.abort(ended)
    tell(lobby, answers.start(game, round))
    this.#announce(lobby, round.turn)
    this.#run(this.#watchTurns(lobby))
  }

  /** A player who comes to a game that runs is told where it stands. */
  catchUp(game: string, userToken: string, round: Round): void {
    const lobby = this.#lobbies.get(game)
    const connection = lobby?.listeners.get(userToken)
    connection?.answer(answers.start(game, round))
    if (lobby?.turn === userToken) connection?.answer(answers.turn(game))
  }

  /** The game runs, and waits `turnMs` before it announces the next turn. */
  isPaused(game: string): boolean {
    const lobby = this.#lobbies.get(game)
    return lobby?.turn === null && lobby.noLongerOpen.signal.aborted
  }

  /** A hit or a forfeit changed the game. */
  moved(game: string, after: After): void {
    const lobby = this.#lobbies.get(game)
    if (!lobby) return
    if (after.finished) {
      this.#options.report.finished(after.finished, after.winner)
      this.#end(lobby, answers.complete(game))
    } else if (lobby.turn !== after.turn) {
      this.#announce(lobby, after.turn)
    }
  }

  /** The client is gone: its players leave all games whose lobby it was. */
  async closed(connection: Connection): Promise<void> {
    for (const [game, users] of [...connection.lobbies]) {
      for (const user of users) this.#lobbies.get(game)?.listeners.delete(user)
      await this.#leave(game, [...users], 'left')
    }
  }

  /** Ends every game, so that each that has started leaves its record. */
  async close(): Promise<void> {
    const { state, clock, report } = this.#options
    const finished = new Map(
      (await state.endAll(clock.wallMs())).map((one) => [one.game_token, one]),
    )
    for (const lobby of [...this.#lobbies.values()]) {
      const game = finished.get(lobby.game)
      if (game) {
        this.moved(lobby.game, { turn: null, finished: game, winner: null })
      } else {
        report.timedOut(lobby.game)
        this.#end(lobby, answers.timedOut(lobby.game))
      }
    }
  }

  async #leave(game: string, users: string[], why: 'left' | 'turn timed out'): Promise<void> {
    const { state, clock, report } = this.#options
    const lobby = this.#lobbies.get(game)
    const left = await state.leave(game, users, clock.wallMs())
    if (left.status === 'open') {
      for (const user of users) report.leftLobby(game, user)
      if (left.isEmpty && lobby) this.#end(lobby, answers.timedOut(game))
    }
    if (left.status !== 'running' || left.fallen.length === 0) return
    report.forfeited(game, left.fallen, why)
    this.moved(game, left.after)
  }

  #announce(lobby: Lobby, userToken: string): void {
    const { turnMs, clock } = this.#options
    lobby.turn = null
    lobby.turns++
    lobby.turnSinceMs = clock.monotonicMs()
    if (turnMs === 0) this.#openTurn(lobby, userToken)
    else this.#run(this.#openTurnLater(lobby, userToken))
  }

  #openTurn(lobby: Lobby, userToken: string): void {
    lobby.turn = userToken
    lobby.turnSinceMs = this.#options.clock.monotonicMs()
    lobby.listeners.get(userToken)?.answer(answers.turn(lobby.game))
  }

  async #openTurnLater(lobby: Lobby, userToken: string): Promise<void> {
    const { turnMs, clock } = this.#options
    const { turns } = lobby
    await clock.sleep(turnMs, lobby.over.signal)
    // A forfeit in the meantime may have passed the turn on.
    if (!lobby.over.signal.aborted && lobby.turns === turns) this.#openTurn(lobby, userToken)
  }

  async #watchOpen(lobby: Lobby): Promise<void> {
    const { state, clock, lobbyTimeoutMs, report } = this.#options
    await clock.sleep(lobbyTimeoutMs, lobby.noLongerOpen.signal)
    if (lobby.noLongerOpen.signal.aborted) return
    if (!(await state.expire(lobby.game, clock.wallMs()))) return
    report.timedOut(lobby.game)
    this.#end(lobby, answers.timedOut(lobby.game))
  }

  /** A player who does not act would keep the game from ending: it dies as if it had left. */
  async #watchTurns(lobby: Lobby): Promise<void> {
    const { clock, turnTimeoutMs } = this.#options
    while (!lobby.over.signal.aborted) {
      const leftMs = lobby.turnSinceMs + turnTimeoutMs - clock.monotonicMs()
      if (leftMs > 0) await clock.sleep(Math.ceil(leftMs), lobby.over.signal)
      else if (lobby.turn) await this.#leave(lobby.game, [lobby.turn], 'turn timed out')
      else await clock.sleep(turnTimeoutMs, lobby.over.signal)
    }
  }

  #end(lobby: Lobby, goodbye: string): void {
    this.#lobbies.delete(lobby.game)
    lobby.noLongerOpen.abort(ended)
    lobby.over.abort(ended)
    tell(lobby, goodbye)
    for (const [user, connection] of lobby.listeners) forget(connection, lobby.game, user)
  }

  /** Work that nobody waits for: its failure is reported. */
  #run(work: Promise<void>): void {
    work.catch((error: unknown) => this.#options.report.failed(error))
  }
}

function tell({ listeners }: Lobby, text: string): void {
  for (const connection of new Set(listeners.values())) connection.answer(text)
}

function forget(connection: Connection, game: string, userToken: string): void {
  const users = connection.lobbies.get(game)
  users?.delete(userToken)
  if (users?.size === 0) connection.lobbies.delete(game)
}
