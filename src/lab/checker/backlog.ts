import type { DepthSample } from '../evidence/evidence.ts'

/**
 * What was in the broker. Null: it does not tell what waits. What workers have in hand some brokers
 * tell nobody: the rest is counted all the same, for a backlog is far more than that.
 */
export function backlogIn({ waiting, inFlight, scheduled }: DepthSample): number | null {
  if (waiting === 'unknown' || scheduled === 'unknown') return null
  return waiting + scheduled + (inFlight === 'unknown' ? 0 : inFlight)
}
