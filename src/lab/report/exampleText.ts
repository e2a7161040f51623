import type { Entry, History } from '../checker/naive/smallHistory.ts'
import { notTold } from '../evidence/record.ts'
import { type About, reportOf } from './build.ts'
import { type ExampleRun, exampleAbout, exampleResult } from './exampleRun.ts'
import { textOf } from './text.ts'

export function textFor(example: ExampleRun, about: Partial<About> = {}): string[] {
  return textOf(reportOf(exampleResult(example), { ...exampleAbout, ...about }))
}

const due = (at: number) => 1_000 + 100 * at

/** One every 100 ms, accepted 1 ms later. */
export function sends(count: number, receivers = notTold): Entry[] {
  return Array.from({ length: count }, (_, at) => at).flatMap((at): Entry[] => [
    ['invoke', at, due(at), { count: 1, position: BigInt(due(at)) * 1_000_000n, key: at % 2 }],
    ['ok', at, due(at) + 1, { count: receivers }],
  ])
}

/** Handed out 2 ms after it was sent, and done 1 ms later. */
export function does(...sequences: number[]): Entry[] {
  return sequences.flatMap((at): Entry[] => [
    ['recv', at, due(at) + 2, { count: 1, key: at % 2 }],
    ['done', at, due(at) + 3],
    ['settled', at, due(at) + 4],
  ])
}

export const kill = { kind: 'kill', target: 'busiest', atMs: 10, restartAfterMs: 500 } as const
export const killed = {
  kind: 'kill',
  ...{ target: 'worker 1', plannedMs: 10, appliedMs: 10, endedMs: 510, inHand: 1 },
} as const

/** Worker 1 dies with the second in hand, which worker 0 then does. */
export const died: History = {
  ledgers: {
    'producer 0.0': sends(4),
    'worker 0.0': [...does(0, 2, 3), ['recv', 1, 3_200, { count: 2, key: 1 }], ['done', 1, 3_201]],
    'worker 1.0': [['recv', 1, 1_102, { count: 1 }]],
  },
  events: [
    ['worker 0.0', 'SUBSCRIBED', 900],
    ['worker 1.0', 'SUBSCRIBED', 900],
    ['worker 1.0', 'KILL', 1_110],
  ],
  terms: { mayLose: [], leaseMs: 2_000 },
}

/** From the verdict on. */
export function verdictIn(lines: readonly string[]): string[] {
  return lines.slice(lines.findIndex((line) => /^(KEPT|BROKEN|INCONCLUSIVE) /.test(line)))
}
