/** Time since the load began, cut into equal pieces. */
export interface TimeBins {
  readonly fromMs: number
  readonly binMs: number
  readonly count: number
}

/** All from the one to the other, in at most `countMax` pieces, none shorter than `binMsMin`. */
export function timeBins(
  fromMs: number,
  toMs: number,
  countMax: number,
  binMsMin: number,
): TimeBins {
  const binMs = roundStep(Math.max(binMsMin, (toMs - fromMs) / Math.max(1, countMax - 2)))
  const first = Math.floor(fromMs / binMs)
  return { fromMs: first * binMs, binMs, count: Math.floor(toMs / binMs) - first + 1 }
}

/** What is outside counts to the piece that is nearest. */
export function binAt({ fromMs, binMs, count }: TimeBins, ms: number): number {
  return Math.min(count - 1, Math.max(0, Math.floor((ms - fromMs) / binMs)))
}

/** The next of 1, 2, 5, 10, 20, 50 … */
export function roundStep(least: number): number {
  const decade = 10 ** Math.floor(Math.log10(least))
  const step = [1, 2, 5].find((one) => one * decade >= least * (1 - 1e-9))
  return (step ?? 10) * decade
}

/** How many of these times, in ns since `baseMs`, fall into each piece; NaN: never. */
export function countsIn(bins: TimeBins, baseMs: number, timesNs: Float64Array): Uint32Array {
  const counts = new Uint32Array(bins.count)
  for (const ns of timesNs) {
    if (Number.isNaN(ns)) continue
    const bin = binAt(bins, baseMs + ns / 1e6)
    counts[bin] = (counts[bin] as number) + 1
  }
  return counts
}
