import type { Identity } from '../identity.ts'
import type { Origin } from './history.ts'

/** How many messages an account names. */
export const sampleMax = 32

export function identityOf(message: number, origins: readonly Origin[]): Identity {
  const origin = origins.findLast(({ first }) => first <= message) as Origin
  const { producer, incarnation, first } = origin
  return { producer, incarnation, sequence: message - first }
}
