import { describe, expect, test } from 'vitest'
import {
  accountOf,
  at,
  type BothWays,
  type Entry,
  type History,
  sent,
  together,
  worker,
} from './smallHistory.ts'

const received: Entry = ['recv', 0, 110]
const nothingInHand: History = { terms: { inHandMax: 0 } }

describe('what was handed over first, and written down last', () => {
  const late = (...entries: Entry[]): History => ({
    ledgers: {
      'worker 0.0': [received, ['done', 0, 112], ['settled', 0, 112]],
      'worker 1.0': entries,
    },
  })
  const again: Entry = ['recv', 0, 120]
  const stopped = (toMs: number) => [
    at('STOP', 105, 105, 'worker 1.0'),
    at('CONT', toMs, toMs, 'worker 1.0'),
  ]
  const of = (...histories: History[]) =>
    accountOf(together({ ledgers: { 'producer 0.0': sent(0) } }, ...histories)).redelivered

  test.for<BothWays>([
    [
      'its worker stood still until just before',
      [late(again), ...stopped(118)],
      [late(again), ...stopped(117)],
    ],
    [
      'and did so when the other was handed it',
      [late(again), ...stopped(119)],
      [late(again), at('STOP', 111, 111, 'worker 1.0')],
    ],
    [
      'its number is not above',
      [late(again), ...stopped(119)],
      [late(['recv', 0, 120, { count: 1 }]), ...stopped(119)],
    ],
    [
      'its own worker',
      [late(again), ...stopped(119)],
      [late(again), at('STOP', 105, 105, 'worker 2.0')],
    ],
    ['with room', [late(again), ...stopped(119)], [late(again), ...stopped(119), nothingInHand]],
  ])('%s', ([, explains, not]) => {
    expect(of(...[explains].flat()).byCause).toEqual({ 'worker-stopped': 1 })
    expect(of(...[not].flat()).unexplained).toBe(1)
  })

  test('is not what a later one comes from', () => {
    const killed = worker(received)
    const third: History = { ledgers: { 'worker 2.0': [['recv', 0, 130, { count: 1 }]] } }
    const first = of(late(again), killed, ...stopped(119), third, at('KILL', 125))
    expect(first.byCause).toEqual({ 'worker-killed': 1, 'worker-stopped': 1 })
    expect(of(late(again), killed, ...stopped(119), third).unexplained).toBe(1)
  })
})
