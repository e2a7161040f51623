import { NarrowcastError } from '../../../core/errors.ts'
import type { FinishedGame, GameHit } from '../../records.ts'
import type { Fighter } from '../../rules.ts'
import type { After, Blow, Entry, Left, Refusal, Round, Turn } from '../state.ts'

/** What a script answers. */
export type Reply = string | number | null | readonly Reply[]

type List = readonly Reply[]

const isList = (reply: Reply | undefined): reply is List => Array.isArray(reply)

export function listOf(reply: Reply | undefined): List {
  if (isList(reply)) return reply
  const text = JSON.stringify(reply)
  throw new NarrowcastError('INTERNAL', `sim server: Redis answered ${text} and not a list`)
}

export const textsOf = (reply: Reply | undefined): string[] => listOf(reply).map(String)

export function refusalOf(reply: Reply): Refusal | null {
  return typeof reply === 'string' ? { refused: reply as Refusal['refused'] } : null
}

/** The status of a game, as it is kept. */
const statuses: Readonly<Record<string, 'waiting' | 'complete' | 'timedOut'>> = {
  OPEN: 'waiting',
  COMPLETE: 'complete',
  'TIMED OUT': 'timedOut',
}

export function entryOf(reply: Reply): Entry | Refusal {
  const refusal = refusalOf(reply)
  if (refusal) return refusal
  const [kept, isStarting, round] = listOf(reply)
  const status = statuses[String(kept)]
  if (status) return { status }
  return { status: 'running', isStarting: isStarting === 1, round: roundOf(listOf(round)) }
}

const byToken = (a: Fighter, b: Fighter) => (a.token < b.token ? -1 : 1)

function roundOf([turn, hits, deaths, ...values]: List): Round {
  const fighters: Fighter[] = []
  for (let at = 0; at < values.length; at += 4) {
    const [id, attack, health] = values.slice(at + 1, at + 4).map(Number)
    fighters.push(fighterWith(String(values[at]), id, attack, health))
  }
  return {
    participants: fighters.map(({ token }) => token),
    fighters: fighters.toSorted(byToken),
    ...turnOf(String(turn), Number(hits), Number(deaths)),
  }
}

export function fighterWith(token: string, id = 0, attack = 0, health = 0): Fighter {
  return { token, id, attack, health }
}

export function blowOf(reply: Reply, enemy: string | null): Blow | Refusal {
  const refusal = refusalOf(reply)
  if (refusal) return refusal
  const [damage, healthPrior, healthPost, after] = listOf(reply)
  if (enemy === null || after === undefined) return { made: null }
  return {
    made: {
      enemy,
      damage: Number(damage),
      healthPrior: Number(healthPrior),
      healthPost: Number(healthPost),
      after: afterOf(after),
    },
  }
}

/** And the players it was about. */
export function leftOf(reply: Reply): { left: Left; users: readonly string[] } {
  const [status, what, users] = listOf(reply)
  return { left: standingOf(status, what), users: textsOf(users) }
}

function standingOf(status: Reply | undefined, what: Reply | undefined): Left {
  if (status === 'open') return { status, isEmpty: what === 1 }
  if (status !== 'running') return { status: 'gone' }
  const [fallen, after] = listOf(what)
  return { status, fallen: textsOf(fallen), after: afterOf(after) }
}

function afterOf(reply: Reply | undefined): After {
  const [turn, next, deaths] = listOf(reply)
  if (turn === null) return { turn, ...endOf(listOf(next)) }
  return { ...turnOf(String(turn), Number(next), Number(deaths)), finished: null }
}

export function turnOf(turn: string, hits: number, deaths: number): Turn {
  return { turn, hits, step: hits + deaths }
}

/** A finished game and who won it. */
export function endOf([game, host, started, ended, players, fell, logs]: List): {
  finished: FinishedGame
  winner: string | null
} {
  const participants = listOf(players).flatMap((user, at, all) =>
    at % 2 === 0 ? [{ user_token: String(user), superhero_id: Number(all[at + 1]) }] : [],
  )
  const deaths = textsOf(fell)
  const winner = participants.find(({ user_token }) => !deaths.includes(user_token))
  const finished: FinishedGame = {
    game_token: String(game),
    host: String(host),
    outcome: winner ? 'complete' : 'abandoned',
    game: {
      participants,
      hits: textsOf(logs).map(hitOf),
      deaths,
      started_at: new Date(Number(started)).toISOString(),
      ended_at: new Date(Number(ended)).toISOString(),
    },
  }
  return { finished, winner: winner?.user_token ?? null }
}

function hitOf(log: string): GameHit {
  const { PAYLOAD, STATUS } = JSON.parse(log) as {
    PAYLOAD: { USER_TOKEN: string }
    STATUS: { DETAILS: { ENEMY_TOKEN: string; ENEMY_DAMAGE: number } }
  }
  const { ENEMY_TOKEN, ENEMY_DAMAGE } = STATUS.DETAILS
  return {
    user_token: PAYLOAD.USER_TOKEN,
    enemy_token: ENEMY_TOKEN,
    enemy_damage: ENEMY_DAMAGE,
  }
}
