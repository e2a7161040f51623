import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Terms } from '../terms.ts'
import { account } from './account.ts'
import { anyEvidence } from './anyEvidence.ts'
import { type Line, ledgerOf } from './naive/ledgerOf.ts'
import { usualTerms } from './naive/smallHistory.ts'
import { naiveAccount } from './naive.ts'

test('says of every history what the slow and obvious checker says', { timeout: 120_000 }, () => {
  fc.assert(
    fc.property(anyEvidence, ({ evidence, terms, guardMs }) => {
      expect(account(evidence, terms, guardMs)).toEqual(naiveAccount(evidence, terms, guardMs))
    }),
    { numRuns: 2_000 },
  )
})

test('who was killed before a message was sent never had it, though its exit was seen later', () => {
  const terms = { ...usualTerms, attempts: 1, deliveriesMax: 2, areCrashesMixed: true }
  const producer = { role: 'producer', actor: 0, incarnation: 0 } as const
  const first = { producer: 0, incarnation: 0, sequence: 0 }
  const worker = (incarnation: number) => ({ role: 'worker', actor: 1, incarnation }) as const
  const reader = { ...producer, role: 'deadReader' } as const
  const ledgers = [
    ledgerOf(producer, null, [{ type: 'invoke', timeNs: 2n, ...first }]),
    ...[0, 1].map((incarnation) => ledgerOf(worker(incarnation), null, [])),
    ledgerOf(reader, null, [{ type: 'dead', timeNs: 9n, ...first, flags: 1 }]),
  ]
  const ended = (event: 'KILL' | 'EXIT', incarnation: number, ns: bigint) =>
    ({ event, ...worker(incarnation), fromNs: ns, toNs: ns }) as const
  const events = [ended('KILL', 0, 1n), ended('EXIT', 0, 3n), ended('KILL', 1, 3n)]
  const evidence = { ledgers, events, depth: [] }
  const [all] = account(evidence, terms, 0)
  expect([all?.dead, all?.deadUnfounded]).toEqual([1, 1])
  expect(naiveAccount(evidence, terms, 0)[0]?.deadUnfounded).toBe(1)
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

test('one message that comes ten thousand times takes no longer than ten thousand that come once', () => {
  const producer = { role: 'producer', actor: 0, incarnation: 0 } as const
  const about = { producer: 0, incarnation: 0, sequence: 0 }
  const times = 10_000
  const sends = [0, 1].flatMap((at): Line[] => [
    { type: 'invoke', timeNs: BigInt(at), ...about },
    { type: 'ok', timeNs: BigInt(at), ...about },
  ])
  /** Two workers in turn, each gives it back at once. */
  const worker = (actor: number) =>
    ledgerOf(
      { role: 'worker', actor, incarnation: 0 },
      null,
      Array.from({ length: times }, (_, at): Line[] => {
        const timeNs = BigInt(10 + 4 * at + 2 * actor)
        return [
          { type: 'recv', timeNs, ...about },
          { type: 'done', timeNs, ...about },
          { type: 'settled', timeNs: timeNs + 1n, flags: 3, ...about },
        ]
      }).flat(),
    )
  for (const attempts of [1, 2]) {
    const ledgers = [ledgerOf(producer, null, sends.slice(0, 2 * attempts)), worker(0), worker(1)]
    const [all] = account({ ledgers, events: [], depth: [] }, usualTerms, 0)
    const repeats = 2 * times - 1
    expect(all?.redelivered).toMatchObject({ total: repeats, unexplained: 0 })
    expect(all?.reprocessed).toMatchObject({ total: repeats, byCause: { released: repeats } })
  }
})
