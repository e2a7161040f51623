import type { LedgerFile } from '../evidence/evidence.ts'
import { recordTypes } from '../evidence/record.ts'
import type { Episodes } from './episodes.ts'
import { actorName, touches } from './intervals.ts'
import { isWorker } from './load.ts'
import { eachRecord } from './recordCursor.ts'

const { stall } = recordTypes
/** How often a worker looks whether its event loop runs. */
const sampleMs = 20

/**
 * By how much event loops of workers were late 99 times of 100, at the worker where that was most:
 * so much later than they happened things may have been written down. What stood still because it
 * was stopped or blocked was not late: it was told so. Less than is written down is 0.
 */
export function loopDelayMs(
  ledgers: readonly LedgerFile[],
  baseNs: bigint,
  episodes: Episodes,
): number {
  const delays = ledgers.map(({ sidecar, bytes }) => {
    if (!isWorker(sidecar.role)) return 0
    const stops = episodes.standstillsOf(actorName(sidecar))
    const stallsMs: number[] = []
    let firstNs = Number.NaN
    let lastNs = Number.NaN
    eachRecord(bytes, baseNs, ({ type, timeNs, positionLow, positionHigh }) => {
      if (Number.isNaN(firstNs)) firstNs = timeNs
      lastNs = timeNs
      if (type !== stall) return
      const lengthNs = positionHigh * 4_294_967_296 + positionLow
      const wasStopped = stops.some((stop) => touches(stop, timeNs - lengthNs, timeNs))
      if (!wasStopped) stallsMs.push(lengthNs / 1e6)
    })
    const samples = (lastNs - firstNs) / 1e6 / sampleMs
    stallsMs.sort((a, b) => b - a)
    return stallsMs[Math.floor(samples / 100)] ?? 0
  })
  return Math.max(0, ...delays)
}
