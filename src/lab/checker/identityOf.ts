import type { Identity } from '../identity.ts'
import type { Origin } from './history.ts'

/** How many messages an account names. */
export const sampleMax = 32

/** The first of these messages, which stand in order. */
export function sampleOf(messages: readonly number[], origins: readonly Origin[]): Identity[] {
  return messages.slice(0, sampleMax).map((message) => identityOf(message, origins))
}

export function identityOf(message: number, origins: readonly Origin[]): Identity {
  const origin = origins.findLast(({ first }) => first <= message) as Origin
  const { producer, incarnation, first } = origin
  return { producer, incarnation, sequence: message - first }
}
