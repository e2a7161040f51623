import { showCount, showMs } from './amounts.ts'
import type { Report } from './types.ts'

/** Why the times of a run say nothing about its broker. */
export function saturationText({
  throughput: { offered, achieved },
  latency,
}: Pick<Report, 'throughput' | 'latency'>): string {
  const { p99 } = latency.scheduleDelay
  const late = p99 === null ? 'not all were sent' : `p99 ${showMs(p99)} late`
  const sent = `by its end ${showCount(achieved)}/s of ${showCount(offered)}/s, ${late}`
  return `the load was not sent as planned (${sent}), so latencies describe the backlog and not the broker`
}
