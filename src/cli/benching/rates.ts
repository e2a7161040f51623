import { showDuration, showRate } from '../output/quantities.ts'
import type { Measured } from './offer.ts'

const achievedShareMin = 0.95
/** Twenty doublings: more than a million times the first rate. */
const ratesMax = 20

/** Kept up: nearly all that was offered arrived in its time, and soon enough. */
export function keepsUp({ offered, achieved, p99Ms }: Measured, p99MsMax: number): boolean {
  return achieved >= offered * achievedShareMin && p99Ms !== null && p99Ms <= p99MsMax
}

/** Doubles the rate until the backend does not keep up, or until it is told to stop. */
export async function risingRates(
  first: number,
  p99MsMax: number,
  signal: AbortSignal,
  measure: (rate: number) => Promise<Measured>,
): Promise<Measured[]> {
  const all: Measured[] = []
  for (let rate = first; all.length < ratesMax; rate *= 2) {
    const measured = await measure(rate)
    if (signal.aborted) break // cut short: it says nothing
    all.push(measured)
    if (!keepsUp(measured, p99MsMax)) break
  }
  return all
}

/** The highest rate that was kept up; null where none was. */
export function highest(all: readonly Measured[], p99MsMax: number): Measured | null {
  return all.findLast((one) => keepsUp(one, p99MsMax)) ?? null
}

/** What it came to, in one line. */
export function conclusion(all: readonly Measured[], p99MsMax: number): string {
  const best = highest(all, p99MsMax)
  const last = all.at(-1)
  const kept = best
    ? `keeps up with ${showRate(best.offered)}, p99 ${showDuration(best.p99Ms)}`
    : 'keeps up with no rate that was offered'
  if (!last || last === best) return kept
  return `${kept}; of ${showRate(last.offered)} it came to ${showRate(last.achieved)}, p99 ${showDuration(last.p99Ms)}`
}
