import { uuid } from '../core/ids.ts'

/** What the server says about a game. A narrowcast transport routes it by `channel`. */
export interface GameRecord {
  readonly level: 'info'
  /** RFC 3339, UTC. */
  readonly timestamp: string
  readonly name: string
  readonly channel: RecordChannel
  /** The message id. */
  readonly mid: string
  /** The message key, on `combat.events` alone: the game token. */
  readonly key?: string
  readonly log_message: string
  readonly task: RecordTask
}

export type RecordChannel = 'lib.server.lobby' | 'lib.server.game' | 'combat.events'

export type RecordTask = { readonly game_token: string } & Readonly<Record<string, unknown>>

/** A whole game, enough for a worker that has nothing but the message. */
export interface Game {
  readonly participants: readonly Participant[]
  /** In the order made. */
  readonly hits: readonly GameHit[]
  /** User tokens in the order in which they fell, forfeits included. */
  readonly deaths: readonly string[]
  /** RFC 3339, UTC. */
  readonly started_at: string
  readonly ended_at: string
}

export interface Participant {
  readonly user_token: string
  readonly superhero_id: number
}

export interface GameHit {
  readonly user_token: string
  readonly enemy_token: string
  /** What the enemy lost. */
  readonly enemy_damage: number
}

export interface FinishedGame {
  readonly game_token: string
  /** User token of the player who opened it. */
  readonly host: string
  /** `abandoned`: all the living left at once, and nobody won. */
  readonly outcome: 'complete' | 'abandoned'
  readonly game: Game
}

/** Whose record of a finished game is written: the host's alone, or one per participant. */
export type FinishedBy = 'host' | 'all'

/** `log_message` of the records of finished games. */
export const finishedMessage = 'Cleaning Game Records'

const recordName = 'simulator'

/** One record of what happened, with an id of its own (UUIDv7). */
export function eventRecord(
  channel: RecordChannel,
  message: string,
  task: RecordTask,
  nowMs: number,
): GameRecord {
  const record: GameRecord = {
    level: 'info',
    timestamp: new Date(nowMs).toISOString(),
    name: recordName,
    channel,
    mid: uuid(),
    log_message: message,
    task,
  }
  return channel === 'combat.events' ? { ...record, key: task.game_token } : record
}

/**
 * The records of a finished game. Only the host's carries the game. `mid` is
 * `<game_token>+<user_token>`: a second record of the same end is the same message.
 */
export function finishedRecords(
  { game_token, host, game }: FinishedGame,
  by: FinishedBy = 'host',
): GameRecord[] {
  const of = (user_token: string): GameRecord => ({
    level: 'info',
    timestamp: game.ended_at,
    name: recordName,
    channel: 'lib.server.lobby',
    mid: `${game_token}+${user_token}`,
    log_message: finishedMessage,
    task:
      user_token === host
        ? { game_token, user_token, host: true, game }
        : { game_token, user_token, host: false },
  })
  return by === 'host' ? [of(host)] : game.participants.map(({ user_token }) => of(user_token))
}

/** The part of a logger (pino) that `logTo` needs. */
export interface RecordLogger {
  info(record: object): void
}

/**
 * Options for pino under which a record is written as it is: pino adds nothing but the level,
 * which `logTo` leaves to it.
 */
export const pinoSettings = {
  base: null,
  timestamp: false,
  formatters: { level: (level: string) => ({ level }) },
}

/** The server's `log`, written by that logger. */
export function logTo(logger: RecordLogger): (record: GameRecord) => void {
  return ({ level, ...record }) => logger[level](record)
}
