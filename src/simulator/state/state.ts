import type { GameSize } from '../plan.ts'
import type { FinishedGame, Participant } from '../records.ts'
import type { Fighter, HitRefusal } from '../rules.ts'

/**
 * Where users and games live. Each call is one atomic step: two servers on one state never seat
 * three players in a game of two. It knows no connection and no timer; the server that made a
 * change tells the players and writes the records, so a finished game is reported by exactly one.
 */
export interface State extends AsyncDisposable {
  /** The token of that name, made when the name is new; null when there is no room for a user. */
  login(user: string): Promise<{ token: string; isNew: boolean } | null>
  isUser(userToken: string): Promise<boolean>
  /**
   * A seat in an open game of that size, else in a new one. Who still waits for such a game to
   * start gets the same seat again. Null when there is no room for another game.
   */
  join(userToken: string, size: GameSize): Promise<Seat | null>
  /** The player is in the lobby. The game starts when all its seats are. */
  enter(game: string, userToken: string, nowMs: number): Promise<Entry | Refusal>
  /** Before the start the seat is free again; afterwards the player dies at once. */
  leave(game: string, userTokens: readonly string[], nowMs: number): Promise<Left>
  /** Times out a game that has not started. False: it has, or is gone. */
  expire(game: string, nowMs: number): Promise<boolean>
  fighter(game: string, userToken: string): Promise<Fighter | Refusal>
  hit(game: string, userToken: string, enemy: string | null, nowMs: number): Promise<Blow | Refusal>
  /** Ends every game: those that run as abandoned, the others as timed out. */
  endAll(nowMs: number): Promise<readonly FinishedGame[]>
}

/** Refused, and nothing was changed. */
export interface Refusal {
  readonly refused: 'UNKNOWN GAME TOKEN' | 'USER NOT IN GAME' | 'GAME NOT STARTED' | HitRefusal
}

export interface Seat extends Participant {
  readonly game: string
  /** This call opened the game; the player is its host. */
  readonly isNew: boolean
  /** The player had this seat before. */
  readonly isRepeated: boolean
}

export type Entry =
  | { readonly status: 'waiting' }
  | { readonly status: 'timedOut' }
  | { readonly status: 'complete' }
  /** `isStarting`: this call made it start. */
  | { readonly status: 'running'; readonly isStarting: boolean; readonly round: Round }

/** A running game as its players may see it. */
export interface Round {
  /** In the order of the seats. */
  readonly participants: readonly string[]
  readonly fighters: readonly Fighter[]
  /** User token of the player whose turn it is. */
  readonly turn: string
}

export type After =
  | { readonly turn: string; readonly finished: null }
  | { readonly turn: null; readonly finished: FinishedGame; readonly winner: string | null }

export type Left =
  | { readonly status: 'gone' }
  /** `isEmpty`: nobody is left in it, and it is no more. */
  | { readonly status: 'open'; readonly isEmpty: boolean }
  | { readonly status: 'running'; readonly fallen: readonly string[]; readonly after: After }

/** A hit that was made; null: the attacker named no enemy, and nothing was changed. */
export type Blow = {
  readonly made: {
    readonly enemy: string
    readonly damage: number
    readonly healthPrior: number
    readonly healthPost: number
    readonly after: After
  } | null
}
