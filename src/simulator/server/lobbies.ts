import type { Clock } from '../../core/clock.ts'
import type { After, Entry, Left, Refusal, Round, State, Turn } from '../state/state.ts'
import { answers } from './answers.ts'
import type { Connection } from './connection.ts'
import { addListener, hasStarted, type Lobby, newLobby, removeListener, tell } from './lobby.ts'
import { isOutage } from './outage.ts'
import type { Report } from './report.ts'
import type { Reporting } from './reporting.ts'

export interface LobbiesOptions {
  readonly state: State
  readonly report: Report
  readonly reporting: Reporting
  readonly clock: Clock
  readonly turnMs: number
  readonly turnTimeoutMs: number
  readonly lobbyTimeoutMs: number
}

/** Given as the reason of every abort: making the error that is the default takes 4 % of the time. */
const ended = 'ended'

/** Closes the lobby of a game that cannot be known any more. */
const stateLostCode = 1011

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

  get games(): readonly string[] {
    return [...this.#lobbies.keys()]
  }

  /** From now on this server looks after the times of the game. */
  open(game: string): Lobby {
    const known = this.#lobbies.get(game)
    if (known) return known
    const lobby = newLobby(game)
    this.#lobbies.set(game, lobby)
    this.#run(this.#watchOpen(lobby))
    return lobby
  }

  /** From now on this connection hears of the game; when it closes, the player leaves. */
  listen(game: string, userToken: string, connection: Connection): void {
    addListener(this.open(game), userToken, connection)
  }

  start(game: string, round: Round): void {
    const lobby = this.#lobbies.get(game)
    if (!lobby) return
    const isNew = !hasStarted(lobby)
    if (isNew) {
      lobby.noLongerOpen.abort(ended)
      tell(lobby, answers.start(game, round))
    }
    this.#go(lobby, round)
    if (isNew) this.#run(this.#watchTurns(lobby))
  }

  /** A player who comes to a game that runs is told where it stands. */
  catchUp(game: string, userToken: string, round: Round): void {
    const lobby = this.#lobbies.get(game)
    if (!lobby) return
    if (hasStarted(lobby)) {
      const connection = lobby.listeners.get(userToken)
      connection?.answer(answers.start(game, round))
      if (lobby.turn === userToken) connection?.answer(answers.turn(game))
    } else this.start(game, round)
  }

  /** The game runs, and waits `turnMs` before it announces the next turn. */
  isPaused(game: string): boolean {
    const lobby = this.#lobbies.get(game)
    return lobby?.turn === null && hasStarted(lobby)
  }

  /** A hit or a forfeit changed the game. */
  moved(game: string, after: After): void {
    if (after.finished) this.#options.reporting.finished(after.finished, after.winner)
    const lobby = this.#lobbies.get(game)
    if (!lobby) return
    if (after.finished) this.#end(lobby, answers.complete(game))
    else this.#go(lobby, after)
  }

  /** The state may have gone back to an earlier step: what is heard next holds. */
  doubt(): void {
    for (const lobby of this.#lobbies.values()) Object.assign(lobby, { hits: -1, step: -1 })
  }

  /** The game ended elsewhere. */
  over(game: string): void {
    const lobby = this.#lobbies.get(game)
    if (lobby) this.#end(lobby, answers.complete(game))
  }

  /** It is that turn, unless more is known here. */
  turned(game: string, turn: Turn): void {
    const lobby = this.#lobbies.get(game)
    if (lobby && hasStarted(lobby) && turn.step > lobby.step) this.#go(lobby, turn)
  }

  /** The player listens by another server from now on. */
  taken(game: string, userToken: string): void {
    const lobby = this.#lobbies.get(game)
    if (!lobby) return
    removeListener(lobby, userToken)
    this.#dropIfIdle(lobby)
  }

  /** The client is gone: its players leave all games whose lobby it was. */
  async closed(connection: Connection): Promise<void> {
    for (const [game, users] of [...connection.lobbies]) {
      const lobby = this.#lobbies.get(game)
      for (const user of users) lobby?.listeners.delete(user)
      await this.#leave(game, [...users]).catch((error: unknown) => {
        // Who is gone is found out when the state is there again.
        if (!isOutage(error)) throw error
      })
    }
  }

  /** The state has players here whom nobody speaks for. */
  async missing(game: string, users: readonly string[]): Promise<void> {
    const listeners = this.#lobbies.get(game)?.listeners
    const gone = users.filter((user) => !listeners?.has(user))
    if (gone.length > 0) await this.#leave(game, gone)
  }

  /** Those players have left, for whatever reason. */
  left(game: string, users: readonly string[], left: Left, why: 'left' | 'turn timed out'): void {
    const { report } = this.#options
    const lobby = this.#lobbies.get(game)
    if (left.status === 'open') {
      for (const user of users) report.leftLobby(game, user)
      if (left.isEmpty && lobby) this.#end(lobby, answers.timedOut(game))
    }
    if (left.status === 'running' && left.fallen.length > 0) {
      report.forfeited(game, left.fallen, why)
      this.moved(game, left.after)
    }
    if (lobby) this.#dropIfIdle(lobby)
  }

  /** It has started, or will not: its players here are told, unless they were. */
  async begun(game: string): Promise<void> {
    const entry = await this.#options.state.look(game)
    const lobby = this.#lobbies.get(game)
    if (lobby && !hasStarted(lobby)) this.#show(lobby, entry)
  }

  /**
   * Reads where a game stands, and tells its players here, who may have missed all of it. False:
   * it ran, and cannot be known any more.
   */
  async refresh(game: string): Promise<boolean> {
    const entry = await this.#options.state.look(game)
    const lobby = this.#lobbies.get(game)
    return lobby === undefined || this.#show(lobby, entry)
  }

  /** Ends the games of this server, so that each that has started leaves its record. */
  async close(): Promise<void> {
    const { state, clock, report } = this.#options
    try {
      for (const { game, left } of await state.endAll(clock.wallMs())) this.#closed(game, left)
    } catch (error) {
      report.failed(error)
    }
    for (const lobby of [...this.#lobbies.values()]) {
      this.#end(lobby, hasStarted(lobby) ? null : answers.timedOut(lobby.game))
    }
  }

  #closed(game: string, left: Left | null): void {
    const { report } = this.#options
    const lobby = this.#lobbies.get(game)
    if (left === null) {
      report.timedOut(game)
      if (lobby) this.#end(lobby, answers.timedOut(game))
    } else if (left.status === 'running' && left.after.finished) {
      this.moved(game, left.after)
    } else if (left.status === 'running') {
      report.forfeited(game, left.fallen, 'left')
    }
  }

  async #leave(game: string, users: string[]): Promise<void> {
    const { state, clock } = this.#options
    this.left(game, users, await state.leave(game, users, clock.wallMs()), 'left')
  }

  #show(lobby: Lobby, entry: Entry | Refusal): boolean {
    const { game } = lobby
    if ('refused' in entry) return this.#lose(lobby)
    if (entry.status === 'complete') this.#end(lobby, answers.complete(game))
    else if (entry.status === 'timedOut') this.#end(lobby, answers.timedOut(game))
    else if (entry.status === 'running') {
      this.start(game, entry.round)
      this.#dropIfIdle(lobby)
    }
    return true
  }

  /** The state knows nothing of it: before the start that is the end of a lobby. */
  #lose(lobby: Lobby): boolean {
    const isLost = hasStarted(lobby)
    const listeners = isLost ? new Set(lobby.listeners.values()) : []
    this.#end(lobby, isLost ? null : answers.timedOut(lobby.game))
    for (const one of listeners) one.close(stateLostCode, 'the game is gone from the state')
    return !isLost
  }

  #go(lobby: Lobby, { turn, hits, step }: Turn): void {
    if (step < lobby.step) return
    const isNew = hits !== lobby.hits || turn !== lobby.turn
    const isRepeated = step === lobby.step
    Object.assign(lobby, { hits, step })
    if (isNew) this.#announce(lobby, turn)
    // Said again: the answer to what the player did meanwhile may have been lost.
    else if (isRepeated) this.#openTurn(lobby, turn)
  }

  /** A game that goes on elsewhere, and in which nobody here plays any more. */
  #dropIfIdle(lobby: Lobby): void {
    if (hasStarted(lobby) && lobby.listeners.size === 0) this.#end(lobby, null)
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
    while (!hasStarted(lobby)) {
      await clock.sleep(lobbyTimeoutMs, lobby.noLongerOpen.signal)
      if (hasStarted(lobby)) return
      try {
        if (await state.expire(lobby.game, clock.wallMs())) {
          report.timedOut(lobby.game)
          this.#end(lobby, answers.timedOut(lobby.game))
        } else await this.begun(lobby.game)
      } catch (error) {
        if (!isOutage(error)) throw error
      }
    }
  }

  /** A player who does not act would keep the game from ending: it dies as if it had left. */
  async #watchTurns(lobby: Lobby): Promise<void> {
    const { clock, turnTimeoutMs } = this.#options
    while (!lobby.over.signal.aborted) {
      const leftMs = lobby.turnSinceMs + turnTimeoutMs - clock.monotonicMs()
      if (leftMs > 0) await clock.sleep(Math.ceil(leftMs), lobby.over.signal)
      else if (lobby.turn) await this.#timeOutTurn(lobby)
      else await clock.sleep(turnTimeoutMs, lobby.over.signal)
    }
  }

  async #timeOutTurn(lobby: Lobby): Promise<void> {
    const { state, clock } = this.#options
    lobby.turnSinceMs = clock.monotonicMs()
    try {
      const left = await state.timeOutTurn(lobby.game, lobby.step, clock.wallMs())
      this.left(lobby.game, [], left, 'turn timed out')
      // It went on without us, or is gone.
      if (left.status !== 'running' || left.fallen.length === 0) await this.refresh(lobby.game)
    } catch (error) {
      if (!isOutage(error)) throw error
    }
  }

  #end(lobby: Lobby, goodbye: string | null): void {
    if (this.#lobbies.get(lobby.game) === lobby) this.#lobbies.delete(lobby.game)
    lobby.noLongerOpen.abort(ended)
    lobby.over.abort(ended)
    if (goodbye !== null) tell(lobby, goodbye)
    for (const user of [...lobby.listeners.keys()]) removeListener(lobby, user)
  }

  /** Work that nobody waits for: its failure is reported. */
  #run(work: Promise<void>): void {
    work.catch((error: unknown) => this.#options.report.failed(error))
  }
}
