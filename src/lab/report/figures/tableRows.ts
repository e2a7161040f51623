import type { Cell } from '../page/table.ts'
import type { TimeBins } from './timeBins.ts'

/** Some pieces of time together: from the one to before the other. */
export interface Stretch {
  readonly from: number
  readonly to: number
  readonly fromMs: number
  readonly toMs: number
}

const rowsMax = 40

/** A table is read, not looked at: fewer rows than a figure has pieces. */
export function rowsOf(
  { fromMs, binMs, count }: TimeBins,
  row: (stretch: Stretch) => readonly Cell[],
): (readonly Cell[])[] {
  const each = Math.ceil(count / rowsMax)
  return Array.from({ length: Math.ceil(count / each) }, (_, index) => {
    const [from, to] = [index * each, Math.min(count, (index + 1) * each)]
    return row({ from, to, fromMs: fromMs + from * binMs, toMs: fromMs + to * binMs })
  })
}

export function sumOf(counts: Uint32Array, from: number, to: number): number {
  return counts.subarray(from, to).reduce((sum, count) => sum + count, 0)
}
