import type { NarrowcastError } from '../../core/errors.ts'
import type { GameSize } from '../plan.ts'
import type { FinishedGame, Participant } from '../records.ts'
import type { Fighter, HitRefusal } from '../rules.ts'

/**
 * Where users and games live. Each call is one atomic step: two servers on one state never seat
 * three players in a game of two. It knows no connection and no timer; the server that made a
 * change tells its players and writes the records, so a finished game is reported by exactly one.
 * A state that is shared rejects with UNAVAILABLE or CONNECTION_LOST while it cannot be reached.
 */
export interface State extends AsyncDisposable {
  /** Hears what others do to the games of this server. One listener. */
  watch(listener: (happening: Happening) => void): void
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
  /** How it stands, without changing it. Refused where no player of it is here any more. */
  look(game: string): Promise<Entry | Refusal>
  /**
   * Who came to the lobby by this server leaves it. Before the start the seat is free again;
   * afterwards the player dies at once.
   */
  leave(game: string, userTokens: readonly string[], nowMs: number): Promise<Left>
  /** Whose turn it is dies, unless the game has gone on since that step. */
  timeOutTurn(game: string, step: number, nowMs: number): Promise<Left>
  /** Times out a game that has not started. False: it has, or is gone. */
  expire(game: string, nowMs: number): Promise<boolean>
  fighter(game: string, userToken: string): Promise<Fighter | Refusal>
  hit(game: string, userToken: string, enemy: string | null, nowMs: number): Promise<Blow | Refusal>
  /** The finished game has been handed on; or could not be, and is to come again where it may. */
  reported(game: string, isTaken: boolean): Promise<void>
  /** Who is in a lobby by this server, as the state has it; nobody where it is not shared. */
  present(): Promise<readonly Presence[]>
  /** All players of this server leave at once. A game of nobody else has ended with that. */
  endAll(nowMs: number): Promise<readonly Ended[]>
}

/** What comes from others who share the state. */
export type Happening =
  /** Another server's player moved: it is the turn of that user now. */
  | ({ readonly type: 'turn'; readonly game: string } & Turn)
  | { readonly type: 'over'; readonly game: string }
  /** It has started, or will not: look. */
  | { readonly type: 'look'; readonly game: string }
  /** The player has come to the lobby by another server. */
  | { readonly type: 'taken'; readonly game: string; readonly user: string }
  /** Players of a server that died have left; `isKept`: the open game is now in our care. */
  | {
      readonly type: 'orphans'
      readonly game: string
      readonly users: readonly string[]
      readonly left: Left
      readonly isKept: boolean
    }
  /** Whoever ended this game has not reported it. */
  | { readonly type: 'unreported'; readonly finished: FinishedGame }
  /** What was told meanwhile is missed. */
  | { readonly type: 'down'; readonly error: NarrowcastError }
  | { readonly type: 'up' }
  /** The sweep after others failed. */
  | { readonly type: 'failed'; readonly error: unknown }

export interface Presence {
  readonly game: string
  readonly users: readonly string[]
}

export interface Ended {
  readonly game: string
  /** Null: it had not started, and has timed out. */
  readonly left: Left | null
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

/** How far a running game is. */
export interface Turn {
  /** User token of the player whose turn it is. */
  readonly turn: string
  /** Hits so far: with each begins another turn, also when all that is between was missed. */
  readonly hits: number
  /** Hits and deaths so far; a later state has a greater one. */
  readonly step: number
}

/** A running game as its players may see it. */
export interface Round extends Turn {
  /** In the order of the seats. */
  readonly participants: readonly string[]
  readonly fighters: readonly Fighter[]
}

export type After =
  | (Turn & { readonly finished: null })
  | {
      readonly turn: null
      readonly finished: FinishedGame
      readonly winner: string | null
    }

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
