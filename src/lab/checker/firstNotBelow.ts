/** The place of the first that is not below `value`, in an ascending list. */
export function firstNotBelow(ascending: ArrayLike<number>, value: number): number {
  let from = 0
  let to = ascending.length
  while (from < to) {
    const middle = (from + to) >>> 1
    if ((ascending[middle] as number) < value) from = middle + 1
    else to = middle
  }
  return from
}
