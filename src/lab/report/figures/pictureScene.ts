import type { Entry, History } from '../../checker/naive/smallHistory.ts'
import { notTold } from '../../evidence/record.ts'
import type { RunResult } from '../../run/result.ts'
import { exampleResult } from '../exampleRun.ts'

/** Time zero is at 1 s. */
export function published(sequence: number, ms: number): Entry[] {
  const position = BigInt(ms) * 1_000_000n
  return [
    ['invoke', sequence, ms, { count: 1, position }],
    ['ok', sequence, ms + 2, { count: notTold }],
  ]
}

export function done(sequence: number, ms: number, count = 1): Entry[] {
  return [
    ['recv', sequence, ms, { count }],
    ['done', sequence, ms + 3],
    ['settled', sequence, ms + 3],
  ]
}

/**
 * Messages that go well, one every `everyMs`, but for message 3, which is lost with worker 1, and
 * message 5, which worker 1 did and worker 0 did again.
 */
export function messages(count: number, everyMs = 10): History {
  const dueMs = (sequence: number) => 1_000 + sequence * everyMs
  const all = Array.from({ length: count }, (_, sequence) => sequence)
  const well = all.filter((sequence) => sequence !== 3 && sequence !== 5)
  const again: Entry[] = done(5, dueMs(5) + 8, 2)
  return {
    ledgers: {
      'producer 0.0': byTime(all.flatMap((sequence) => published(sequence, dueMs(sequence)))),
      'worker 0.0': byTime([...well.flatMap((one) => done(one, dueMs(one) + 4)), ...again]),
      'worker 1.0': [
        ['recv', 3, dueMs(3) + 4],
        ['recv', 5, dueMs(5) + 4],
        ['done', 5, dueMs(5) + 5],
      ],
      'worker 1.1': [],
    },
    events: [
      ['worker 0.0', 'SUBSCRIBED', 900],
      ['worker 1.0', 'SUBSCRIBED', 900],
      ['worker 1.0', 'KILL', dueMs(5) + 6, dueMs(5) + 7],
      ['worker 1.1', 'SUBSCRIBED', dueMs(5) + 500],
    ],
  }
}

function byTime(entries: Entry[]): Entry[] {
  return entries.sort((a, b) => a[2] - b[2])
}

export function pictured(count: number, everyMs?: number): RunResult {
  return exampleResult({ history: messages(count, everyMs) })
}
