import fc from 'fast-check'
import { expect, test } from 'vitest'
import { account } from './account.ts'
import type { GroupAccount } from './accounting.ts'
import { anyEvidence } from './anyEvidence.ts'
import { violationsOf } from './conservation.ts'
import { questionOf, sent, together, worker } from './naive/smallHistory.ts'

test('the account of every history is sound', { timeout: 60_000 }, () => {
  fc.assert(
    fc.property(anyEvidence, ({ evidence, terms, guardMs }) => {
      const accounts = account(evidence, terms, guardMs)
      expect(violationsOf(accounts, evidence.ledgers)).toEqual([])
    }),
    { numRuns: 1_000 },
  )
})

/** What neither the ledgers' sums nor another figure can tell. */
const uncovered = [
  ...['recovered', 'phantom', 'overlap', 'storedTwice', 'lost.bursts', 'lost.longestBurst'],
  ...[
    'lost.silentByCause.',
    'deadUnfounded',
    'retriedBeyond',
    'lateUnfounded',
    'leftAcked',
    'ackedBeyond',
  ],
]

/** Names of all figures, those inside others with a dot. */
function* figuresOf(value: object, before = ''): Generator<string> {
  for (const [name, inner] of Object.entries(value)) {
    if (typeof inner === 'number') yield before + name
    else if (typeof inner === 'object' && inner !== null && !Array.isArray(inner)) {
      yield* figuresOf(inner, `${before}${name}.`)
    }
  }
}

/** The same with one figure changed. */
function changed(value: object, [name = '', ...inside]: readonly string[], by: number): object {
  const entries = Object.entries(value).map(([key, inner]) => {
    if (key !== name) return [key, inner]
    return [key, inside.length === 0 ? inner + by : changed(inner, inside, by)]
  })
  return Object.fromEntries(entries)
}

test('a figure that is one too high or too low is found', { timeout: 60_000 }, () => {
  const checked = new Set<string>()
  fc.assert(
    fc.property(anyEvidence, ({ evidence, terms, guardMs }) => {
      const [first, ...others] = account(evidence, terms, guardMs) as [GroupAccount]
      for (const figure of figuresOf(first)) {
        if (uncovered.some((name) => figure.startsWith(name))) continue
        checked.add(figure)
        for (const by of [1, -1]) {
          const wrong = changed(first, figure.split('.'), by) as GroupAccount
          expect(violationsOf([wrong, ...others], evidence.ledgers), figure).not.toEqual([])
        }
      }
    }),
    { numRuns: 60 },
  )
  expect(checked.size).toBeGreaterThan(40)
})

const history = together({ ledgers: { 'producer 0.0': sent(0) } }, worker(['recv', 0, 106]))

test('says which figure, what it is and what it should be', () => {
  const [evidence, terms, guardMs] = questionOf(history)
  const [right] = account(evidence, terms, guardMs) as [GroupAccount]
  expect(violationsOf([{ ...right, processed: 1 }], evidence.ledgers)).toEqual([
    'no group: processed is 1, but by the ledgers: 0',
    'no group: processed + reprocessed.total is 1, but by the ledgers: 0',
  ])
})

test('a sample that names too few or too many is found', () => {
  const [evidence, terms, guardMs] = questionOf(history)
  const [right] = account(evidence, terms, guardMs) as [GroupAccount]
  const lost = { ...right.lost, sample: [] }
  expect(violationsOf([{ ...right, lost }], evidence.ledgers)).toEqual([
    'no group: lost.sample is 0, but of so many lost: 1',
  ])
})

test('a group without an account, and an account without a group, are found', () => {
  const [evidence, terms, guardMs] = questionOf(history)
  const [right] = account(evidence, terms, guardMs) as [GroupAccount]
  expect(violationsOf([], evidence.ledgers)).toEqual([
    'no group: accounts of it: 0, by the ledgers: 1',
  ])
  expect(violationsOf([right, right], evidence.ledgers)).toEqual([
    'no group: accounts of it: 2, by the ledgers: 1',
  ])
  expect(violationsOf([right, { ...right, group: 'a' }], evidence.ledgers)).toContain(
    'group "a": accounts of it: 1, by the ledgers: 0',
  )
  expect(violationsOf(account({ ...evidence, ledgers: [] }, terms, guardMs), [])).toEqual([])
})

test('a ledger that was left out, or counted twice, is found', () => {
  const [evidence, terms, guardMs] = questionOf(history)
  const accounts = account(evidence, terms, guardMs)
  const [producer, ...workers] = evidence.ledgers
  expect(violationsOf(accounts, producer ? [producer] : [])).not.toEqual([])
  expect(violationsOf(accounts, [...evidence.ledgers, ...workers])).not.toEqual([])
})
