/** A result that is more than half of what the lab can do at most says more of the lab. */
export function isHarnessBound(perSecond: number, ceilingPerSecond: number): boolean {
  return perSecond > ceilingPerSecond / 2
}
