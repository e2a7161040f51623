import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Evidence } from '../evidence/evidence.ts'
import { anyEvidence } from './anyEvidence.ts'
import { loadHistory } from './load.ts'
import { inTime, type Scene, sceneOf, those } from './naive/scene.ts'
import { type Entry, type History, questionOf, usualTerms } from './naive/smallHistory.ts'
import { type GroupPositions, positionsOf } from './positions.ts'

const fastPositions = (evidence: Evidence) => positionsOf(evidence.ledgers, loadHistory(evidence))
const positionsIn = (ledgers: History['ledgers'] = {}) => {
  const [evidence] = questionOf({ ledgers })
  return fastPositions(evidence).map(({ backwards, conflict }) => ({ backwards, conflict }))
}

/** Sequence and position of each of these, in that order. */
const stored = (...all: [number, bigint][]): Entry[] =>
  all.flatMap(([sequence, position], at): Entry[] => [
    ['invoke', sequence, at],
    ['ok', sequence, at, { position }],
  ])
const given = (...all: [number, bigint][]): Entry[] =>
  all.map(([sequence, position], at) => ['recv', sequence, 100 + at, { position }])
const published = stored([0, 1n], [1, 2n], [2, 3n])
const backwardsIn = (...entries: Entry[]) =>
  positionsIn({ 'producer 0.0': published, 'worker 0.0': entries })[0]?.backwards

describe('backwards', () => {
  test('is a delivery below one before it', () => {
    expect(backwardsIn(...given([0, 1n], [2, 3n], [1, 2n]))).toBe(1)
    expect(backwardsIn(...given([0, 1n], [1, 2n], [2, 3n]))).toBe(0)
  })

  test('is one at the same position', () => {
    expect(backwardsIn(...given([0, 3n], [1, 3n]))).toBe(1)
  })

  test('is not one of a message that was delivered before, by whomever', () => {
    expect(backwardsIn(...given([0, 1n], [1, 2n], [0, 1n]))).toBe(0)
    const found = positionsIn({
      'producer 0.0': published,
      'worker 0.0': given([2, 3n], [0, 1n]),
      'worker 1.0': [['recv', 0, 99, { position: 1n }]],
    })
    expect(found[0]?.backwards).toBe(0)
  })

  test('counts the whole of a position', () => {
    expect(backwardsIn(...given([0, 1n << 32n], [1, 5n]))).toBe(1)
    expect(backwardsIn(...given([0, 5n], [1, 1n << 32n]))).toBe(0)
  })

  test.for(['assign', 'revoke'] as const)('begins anew at %s', (type) => {
    const turn: Entry = [type, null, 101, { position: 7n }]
    const again: Entry = ['recv', 0, 102, { position: 1n }]
    expect(backwardsIn(...given([2, 3n]), turn, again)).toBe(0)
  })

  test('begins anew in each ledger', () => {
    const ledgers = { 'worker 0.0': given([2, 3n]), 'worker 0.1': given([0, 1n]) }
    expect(positionsIn({ 'producer 0.0': published, ...ledgers })[0]?.backwards).toBe(0)
  })

  test('is nothing without a position, and nothing that nobody has published', () => {
    expect(backwardsIn(...given([0, 3n], [1, 0n]))).toBe(0)
    expect(backwardsIn(...given([8, 9n], [1, 2n]))).toBe(0)
  })
})

describe('conflict', () => {
  const conflictsIn = (...ledgers: NonNullable<History['ledgers']>[]) =>
    positionsIn(Object.assign({}, ...ledgers)).map(({ conflict }) => conflict)

  test('is a position with two messages, counted once', () => {
    expect(conflictsIn({ 'producer 0.0': stored([0, 4n], [1, 4n], [2, 4n]) })).toEqual([1])
    expect(conflictsIn({ 'producer 0.0': published })).toEqual([0])
  })

  test('is between what was stored and what was given, in that group', () => {
    const ledgers = { 'worker 0.0 of a': given([0, 2n]), 'worker 1.0 of b': given([0, 1n]) }
    expect(conflictsIn({ 'producer 0.0': published }, ledgers)).toEqual([1, 0])
  })

  test('is none of one message twice, of no position, or of what nobody has published', () => {
    expect(
      conflictsIn(
        { 'producer 0.0': stored([0, 0n], [1, 0n], [3, 3n], [3, 3n]) },
        { 'worker 0.0': given([3, 3n], [9, 3n], [2, 3n]) },
      ),
    ).toEqual([0])
  })

  test('is found among many', () => {
    const many = (step: bigint) =>
      stored(
        ...Array.from({ length: 3000 }, (_, at): [number, bigint] => [at, BigInt(at + 1) * step]),
      )
    const doubled = given([5, 1n << 32n], [6, 3000n << 32n])
    const found = conflictsIn({ 'producer 0.0': many(1n << 32n), 'worker 0.0': doubled })
    expect([...found, ...conflictsIn({ 'producer 0.0': many(1n) })]).toEqual([2, 0])
  })
})

/** As slow and as plain as can be. */
function naivePositions({ messages, sends, ours }: Scene): Partial<GroupPositions> {
  const seen = new Map<bigint, Set<string>>()
  for (const message of messages) {
    for (const { position } of [...those(sends, 'ok', message), ...those(ours, 'recv', message)]) {
      if (position !== 0n) seen.set(position, (seen.get(position) ?? new Set()).add(message.m))
    }
  }
  const deliveries = messages.map((message) => inTime(those(ours, 'recv', message)))
  const firsts = deliveries.map(([first]) => first)
  const isAttempted = new Set(deliveries.flat())
  const backwards = firsts.filter((first) => {
    if (first === undefined || first.position === 0n) return false
    const earlier = ours.filter(({ by, place }) => by === first.by && place < first.place)
    const turn = earlier.findLast(({ type }) => type === 'assign' || type === 'revoke')
    return earlier.some(
      (one) =>
        isAttempted.has(one) && one.place > (turn?.place ?? -1) && one.position >= first.position,
    )
  })
  return {
    backwards: backwards.length,
    conflict: [...seen.values()].filter((all) => all.size > 1).length,
  }
}

test('is what the slow and obvious checker says', { timeout: 60_000 }, () => {
  const sum = { backwards: 0, conflict: 0 }
  fc.assert(
    fc.property(anyEvidence, ({ evidence }) => {
      for (const { group, ...positions } of fastPositions(evidence)) {
        expect(positions).toEqual(naivePositions(sceneOf(evidence, usualTerms, 0, group)))
        sum.backwards += positions.backwards
        sum.conflict += positions.conflict
      }
    }),
    { numRuns: 1_000 },
  )
  expect(Math.min(sum.backwards, sum.conflict)).toBeGreaterThan(1_000)
})
