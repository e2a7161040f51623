import { expect, test } from 'vitest'
import type { DepthSample } from '../evidence/evidence.ts'
import type { GroupAccount } from './accounting.ts'
import { type Line, ledgerOf } from './naive/ledgerOf.ts'
import { disagreementsOf } from './oracle.ts'

const producer = { role: 'producer', actor: 0, incarnation: 0 } as const
const worker = { ...producer, role: 'worker' } as const
const line = (type: Line['type'], sequence: number, flags = 0): Line => {
  return { type, flags, timeNs: 1n, producer: 0, incarnation: 0, sequence }
}
/** Two stored, one of them published again, one refused, one of which nobody knows. */
const ledgers = [
  ledgerOf(producer, null, [
    ...[line('invoke', 0), line('ok', 0), line('invoke', 0), line('ok', 0, 1)],
    ...[line('invoke', 1), line('ok', 1), line('invoke', 2), line('fail', 2), line('invoke', 3)],
  ]),
  ledgerOf(worker, null, [line('recv', 0), line('done', 0)]),
]
const account = { group: null, acknowledged: 2, residual: 1 } as GroupAccount
const last: DepthSample = {
  ...{ timeNs: 9n, group: null, waiting: 1, inFlight: 0, scheduled: 0, dead: 0, stored: 2 },
}
const asked = (change: Partial<DepthSample>) =>
  disagreementsOf(
    [account],
    ledgers,
    [
      { ...last, stored: 99 },
      { ...last, ...change },
    ],
    'attempts',
  )

test.for([
  [{ stored: 2 }, []],
  [{ stored: 3 }, []],
  [{ stored: 1 }, ['it stored 1, the ledgers say 2 to 3']],
  [{ stored: 4 }, ['it stored 4, the ledgers say 2 to 3']],
  [{ stored: 'unknown' }, []],
  [{ waiting: 0, inFlight: 1 }, []],
  [{ waiting: 0, scheduled: 1 }, []],
  [{ waiting: 1, inFlight: 1 }, ['2 are left in it, 1 could be looked at']],
  [{ waiting: 'unknown' }, []],
] as const)('the last words %j: %j', ([change, expected]) => {
  expect(asked(change)).toEqual(expected)
})

test('where repetitions may be told as new, as many as were acknowledged are enough', () => {
  const told = [
    ledgerOf(producer, null, [
      ...[line('invoke', 0), line('ok', 0), line('invoke', 0), line('ok', 0)],
      ...[line('invoke', 1), line('ok', 1)],
    ]),
  ]
  const of = (stored: number, stores: 'attempts' | 'ids' | 'some') =>
    disagreementsOf([account], told, [{ ...last, stored }], stores)
  expect(of(2, 'ids')).toEqual([])
  expect(of(2, 'attempts')).toEqual(['it stored 2, the ledgers say 3'])
  expect(of(1, 'ids')).toEqual(['it stored 1, the ledgers say 2 to 3'])
})

test('a broker that may forget may have stored less by its own count, never more', () => {
  const of = (stored: number) => disagreementsOf([account], ledgers, [{ ...last, stored }], 'some')
  expect(of(-3)).toEqual([]) // it counts from before the load began
  expect(of(4)).toEqual(['it stored 4, the ledgers say 0 to 3'])
})

test('who was never asked says nothing', () => {
  expect(disagreementsOf([account], ledgers, [], 'attempts')).toEqual([])
  const other = { ...account, group: 'mail' } as GroupAccount
  expect(disagreementsOf([other], ledgers, [{ ...last, stored: 99 }], 'attempts')).toEqual([])
})
