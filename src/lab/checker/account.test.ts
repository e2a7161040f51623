import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Terms } from '../terms.ts'
import { account } from './account.ts'
import { anyEvidence } from './anyEvidence.ts'
import { ledgerOf } from './naive/ledgerOf.ts'
import { naiveAccount } from './naive.ts'

test('says of every history what the slow and obvious checker says', { timeout: 120_000 }, () => {
  fc.assert(
    fc.property(anyEvidence, ({ evidence, terms, guardMs }) => {
      expect(account(evidence, terms, guardMs)).toEqual(naiveAccount(evidence, terms, guardMs))
    }),
    { numRuns: 2_000 },
  )
})

test('a sequence that nobody published is no message', () => {
  const [terms] = fc.sample(anyEvidence, 1).map((one) => one.terms) as [Terms]
  const producer = { role: 'producer', actor: 0, incarnation: 0 } as const
  const worker = { ...producer, role: 'worker' } as const
  const first = { producer: 0, incarnation: 0, sequence: 0 }
  const ledgers = [
    ledgerOf(producer, null, [
      { type: 'invoke', timeNs: 1n, ...first },
      { type: 'invoke', timeNs: 1n, ...first, sequence: 2 },
    ]),
    ledgerOf(worker, null, [{ type: 'recv', timeNs: 2n, ...first, sequence: 1 }]),
  ]
  const [all] = account({ ledgers, events: [], depth: [] }, terms, 0)
  expect([all?.attempted, all?.delivered, all?.unexpected]).toEqual([2, 0, 1])
})
