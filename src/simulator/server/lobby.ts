import type { Connection } from './connection.ts'

/** A game as this server sees it: who listens, and which times run. */
export interface Lobby {
  readonly game: string
  readonly listeners: Map<string, Connection>
  /** Fires when the game has started, or will never start. */
  readonly noLongerOpen: AbortController
  readonly over: AbortController
  /** User token of the player who may act now; null while the next turn is not yet announced. */
  turn: string | null
  /** Of the game, as last heard. */
  step: number
  hits: number
  /** Turns so far, the one to be announced included. */
  turns: number
  /** Monotonic time since which the game waits for this turn. */
  turnSinceMs: number
}

export function newLobby(game: string): Lobby {
  return {
    game,
    listeners: new Map(),
    noLongerOpen: new AbortController(),
    over: new AbortController(),
    turn: null,
    step: -1,
    hits: -1,
    turns: 0,
    turnSinceMs: 0,
  }
}

export const hasStarted = ({ noLongerOpen }: Lobby): boolean => noLongerOpen.signal.aborted

/** From now on this connection hears of the game for that player. */
export function addListener(lobby: Lobby, userToken: string, connection: Connection): void {
  removeListener(lobby, userToken)
  lobby.listeners.set(userToken, connection)
  const users = connection.lobbies.get(lobby.game) ?? new Set()
  connection.lobbies.set(lobby.game, users.add(userToken))
}

export function removeListener(lobby: Lobby, userToken: string): void {
  const connection = lobby.listeners.get(userToken)
  lobby.listeners.delete(userToken)
  const users = connection?.lobbies.get(lobby.game)
  users?.delete(userToken)
  if (users?.size === 0) connection?.lobbies.delete(lobby.game)
}

export function tell({ listeners }: Lobby, text: string): void {
  for (const connection of new Set(listeners.values())) connection.answer(text)
}
