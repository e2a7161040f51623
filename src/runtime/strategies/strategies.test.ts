import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { WorkerRef } from '../../core/channel.ts'
import { systemClock } from '../../core/clock.ts'
import { seededRandom } from '../random.ts'
import { type Load, leastBusy } from './leastBusy.ts'
import { type Candidates, nameOf, type Pick } from './pick.ts'
import { random } from './random.ts'
import { roundRobin } from './roundRobin.ts'
import { sticky } from './sticky.ts'
import { checkStrategy, pickBy } from './strategies.ts'

const crew = (count: number): Candidates =>
  Array.from({ length: count }, (_, n) => ({
    id: `worker-${n.toString(36).padStart(8, 'a')}`,
    incarnation: 'first',
  })) as unknown as Candidates

const sizes = fc.integer({ min: 1, max: 12 })
const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 })

function counted(pick: Pick, candidates: Candidates, messages: number): number[] {
  const counts = new Map(candidates.map((one) => [one, 0]))
  for (let n = 0; n < messages; n++) {
    const chosen = pick(candidates, `key-${n}`)
    counts.set(chosen, (counts.get(chosen) as number) + 1)
  }
  return [...counts.values()]
}

/** Six standard deviations of a fair draw. */
function isEven(counts: readonly number[], messages: number): boolean {
  const share = messages / counts.length
  const bound = 6 * Math.sqrt(share) + 1
  return counts.every((count) => Math.abs(count - share) <= bound)
}

describe('random and sticky give each its share:', () => {
  const picks: [string, (draw: () => number) => Pick][] = [
    ['random', random],
    ['sticky', (draw) => sticky(random(draw))],
  ]
  test.for(picks)('%s', ([, make]) => {
    fc.assert(
      fc.property(sizes, seeds, (size, seed) =>
        isEven(counted(make(seededRandom(seed)), crew(size), 2_000), 2_000),
      ),
      { numRuns: 50 },
    )
  })
})

test('round robin takes each once before anyone twice, in whatever order they are listed', () => {
  fc.assert(
    fc.property(sizes, fc.infiniteStream(fc.nat()), (size, numbers) => {
      const candidates = crew(size)
      const pick = roundRobin()
      for (let round = 0; round < 3; round++) {
        const seen = new Set(
          Array.from({ length: size }, () => {
            const by = numbers.next().value ?? 0
            const turned = candidates.map((_, n) => candidates[(n + by) % size] as WorkerRef)
            return pick(turned as unknown as Candidates, null)
          }),
        )
        expect(seen.size).toBe(size)
      }
    }),
    { numRuns: 50 },
  )
})

test('round robin goes on after a worker that left, and takes one that came', () => {
  const [a, b, c] = crew(3) as unknown as [WorkerRef, WorkerRef, WorkerRef]
  const pick = roundRobin()
  expect(pick([a, c], null)).toBe(a)
  expect(pick([a, b, c], null)).toBe(b)
  expect(pick([a, c], null)).toBe(c)
  expect(pick([b, c], null)).toBe(b)
})

test('sticky moves no key but those of the worker that went, and spreads them', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 12 }), fc.nat(), (size, at) => {
      const before = crew(size)
      const gone = before[at % size] as WorkerRef
      const after = before.filter((one) => one !== gone) as unknown as Candidates
      const pick = sticky(random(seededRandom(1)))
      const keys = Array.from({ length: 1_000 }, (_, n) => `order-${n}`)
      const moved = keys.filter((key) => pick(before, key) !== pick(after, key))
      expect(moved.every((key) => pick(before, key) === gone)).toBe(true)
      expect(isEven([moved.length, ...Array(size - 1).fill(1_000 / size)], 1_000)).toBe(true)
      if (size === 2) return
      const takers = new Set(moved.map((key) => pick(after, key)))
      expect(takers.size).toBe(size - 1)
    }),
    { numRuns: 50 },
  )
})

test('sticky chooses alike for every publisher; without a key it asks the other one', () => {
  const candidates = crew(5)
  const one = sticky(random(seededRandom(1)))
  const other = sticky(random(seededRandom(2)))
  const copies = structuredClone(candidates).toReversed() as unknown as Candidates
  for (let n = 0; n < 100; n++) {
    expect(nameOf(one(candidates, `k${n}`))).toBe(nameOf(other(copies, `k${n}`)))
  }
  const last = candidates[4] as WorkerRef
  expect(sticky(() => last)(candidates, null)).toBe(last)
})

const still = () => 0

describe('least busy', () => {
  test('keeps everybody at about the same load', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 12 }), seeds, (size, seed) => {
        const candidates = crew(size)
        const counts = counted(
          leastBusy(() => null, seededRandom(seed), still),
          candidates,
          1_000,
        )
        // Power of two choices: within a few of each other, where random has a spread of dozens.
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(10)
      }),
      { numRuns: 50 },
    )
  })

  test('goes by what was told, and counts its own sends only since then', () => {
    const [busy, free] = crew(2) as unknown as [WorkerRef, WorkerRef]
    let told: Load = { inHand: 3, atMs: 1 }
    const pick = leastBusy(
      (one) => (one === busy ? told : { inHand: 0, atMs: 1 }),
      seededRandom(1),
      still,
    )
    const chosen = () => pick([busy, free], null)
    expect([chosen(), chosen(), chosen()]).toEqual([free, free, free])
    // 3 each now; after one more it is the other's turn.
    expect(new Set([chosen(), chosen()])).toEqual(new Set([busy, free]))
    told = { inHand: 0, atMs: 2 }
    expect([chosen(), chosen(), chosen(), chosen()]).toEqual([busy, busy, busy, busy])
  })

  test('another telling begins its count anew; who is there keeps theirs', () => {
    const crewOf = crew(6)
    const [a, b] = crewOf as unknown as [WorkerRef, WorkerRef]
    let told: Load = { inHand: 0, atMs: 1 }
    const pick = leastBusy(
      (one) => (one === a ? told : { inHand: 0, atMs: 1 }),
      seededRandom(1),
      still,
    )
    const chosen = (count: number) => Array.from({ length: count }, () => pick([a, b], null))
    chosen(10)
    told = { inHand: 0, atMs: 2 }
    expect(new Set(chosen(5))).toEqual(new Set([a])) // b has had 5
    for (let n = 0; n < 60; n++) pick(crewOf, null)
    for (let n = 0; n < 3; n++) pick([a], null) // the counts of the others are let go
    expect(new Set(chosen(10))).toEqual(new Set([b]))
  })

  test('a worker that tells nothing is not starved by those that do', () => {
    const [silent, telling] = crew(2) as unknown as [WorkerRef, WorkerRef]
    let nowMs = 0
    const loadOf = (one: WorkerRef) => (one === silent ? null : { inHand: 0, atMs: nowMs })
    const pick = leastBusy(loadOf, seededRandom(1), () => nowMs)
    const counts: number[] = []
    for (nowMs = 0; nowMs < 20_000; nowMs += 1_000) {
      let count = 0
      for (let n = 0; n < 100; n++) if (pick([silent, telling], null) === silent) count++
      counts.push(count)
    }
    expect(Math.min(...counts)).toBeGreaterThan(40)
  })

  test('without telemetry it is refused, naming what it needs', () => {
    const host = { random: Math.random, load: null, clock: systemClock }
    expect(() => pickBy('leastBusy', 'rooms', host)).toThrow(
      expect.objectContaining({
        code: 'UNSUPPORTED',
        message: expect.stringMatching(/"rooms": strategy 'leastBusy' needs telemetry/),
      }),
    )
    expect(pickBy('leastBusy', 'rooms', { ...host, load: () => null })(crew(1), null)).toEqual(
      crew(1)[0],
    )
  })
})

test('an unknown strategy is refused', () => {
  expect(checkStrategy('sticky')).toBe('sticky')
  expect(() => checkStrategy('best' as 'random')).toThrow(
    'option strategy: expected random, roundRobin, sticky, leastBusy, got "best"',
  )
})
