import type { Cause } from '../terms.ts'
import type { ByCause } from './accounting.ts'

export interface Explained {
  readonly total: number
  readonly byCause: ByCause
  readonly unexplained: number
}

const count = (value: number) => value.toLocaleString('en')

/** `0`, `19 by worker-killed`, `2 unexplained`, `3: 2 broker-crash, 1 unexplained`. Most first. */
export function becauseText({ total, byCause, unexplained }: Explained): string {
  if (total === 0) return '0'
  const [first, ...more] = causesIn(byCause)
  if (first === undefined) return `${count(total)} unexplained`
  if (unexplained === 0 && more.length === 0) return `${count(total)} by ${first}`
  return `${count(total)}: ${countedText(byCause, unexplained)}`
}

/** `3,005 no-worker, 11 worker-killed, 2 unexplained` */
export function countedText(byCause: ByCause, unexplained: number): string {
  return [
    ...causesIn(byCause).map((cause) => `${count(byCause[cause] ?? 0)} ${cause}`),
    ...(unexplained === 0 ? [] : [`${count(unexplained)} unexplained`]),
  ].join(', ')
}

function causesIn(byCause: ByCause): Cause[] {
  const counts = Object.entries(byCause) as [Cause, number][]
  return counts.toSorted(([, a], [, b]) => b - a).map(([cause]) => cause)
}
