import type { Clock } from '../../core/clock.ts'
import type { Refusal, State } from '../state/state.ts'
import type { Connection } from './connection.ts'
import type { Lobbies } from './lobbies.ts'
import type { Report } from './report.ts'
import { type Payload, Refused, textOf } from './request.ts'

export interface Context {
  readonly state: State
  readonly lobbies: Lobbies
  readonly report: Report
  readonly clock: Clock
}

/** Answers one request. What it refuses it throws as `Refused`. */
export type Route = (context: Context, connection: Connection, payload: Payload) => Promise<void>

/** The user token of a payload, when a login gave it out. @throws Refused */
export async function userOf({ state }: Context, payload: Payload): Promise<string> {
  const token = textOf(payload, 'USER_TOKEN')
  if (await state.isUser(token)) return token
  throw new Refused('UNKNOWN USER TOKEN')
}

/** @throws Refused */
export function orRefused<T extends object>(answer: T | Refusal): T {
  if ('refused' in answer) throw new Refused(answer.refused)
  return answer
}
