/**
 * How often at most, as a share of all episodes, something goes wrong that was not seen in any of
 * `episodes`: with a certainty of 95 %. Losses come in clusters, so an episode is what counts, never
 * a message.
 */
export function upperBound(episodes: number): number {
  return 1 - 0.05 ** (1 / episodes)
}

/**
 * How surely the median of all runs there could be lies between the least and the most of `runs`:
 * they all fall on one side of it as often as coins all fall on one side.
 */
export function medianCoverage(runs: number): number {
  return 1 - 2 ** (1 - runs)
}
