/** The latest of some times; 0 where there is none. NaN: never. */
export function lastNs(times: Float64Array): number {
  let last = 0
  for (const ns of times) if (ns > last) last = ns
  return last
}
