import { expect, test } from 'vitest'
import { dueMs, type Load, planOf, shareOf } from './load.ts'

const load: Load = {
  ...{ messages: 10_001, perSecond: 400, producers: 2, workers: 4, concurrency: 4 },
  ...{ handlerMs: 20, keys: 16, bytes: 256, poisonShare: 0.1, againShare: 0.2 },
  ...{ killers: 0, slowFactor: 1, surge: null, startsLate: false, triesMax: 1 },
}

test('the producers send all messages between them, one after the other, at the rate', () => {
  expect([shareOf(load, 0), shareOf(load, 1)]).toEqual([5_001, 5_000])
  const due = [0, 1, 2].flatMap((sequence) =>
    [0, 1].map((producer) => planOf(load, 7, producer)(sequence).dueNs / 1e6),
  )
  expect(due).toEqual([0, 2.5, 5, 7.5, 10, 12.5])
})

test('a plan is the same whenever it is asked, and another for another seed or producer', () => {
  const planned = (seed: number, producer: number) =>
    Array.from({ length: 200 }, (_, sequence) => planOf(load, seed, producer)(sequence))
  expect(planned(7, 0)).toEqual(planned(7, 0))
  const words = (seed: number, producer: number) =>
    planned(seed, producer).map(({ kind, isAgain }) => `${kind} ${isAgain}`)
  expect(words(8, 0)).not.toEqual(words(7, 0))
  expect(words(7, 1)).not.toEqual(words(7, 0))
  // The order to expect is known beforehand: a key goes by seed and sequence alone.
  const keys = (producer: number) => planned(7, producer).map(({ key }) => key)
  expect(keys(1)).toEqual(keys(0))
})

test('kinds, repetitions and keys come in their shares', () => {
  const all = Array.from({ length: 5_000 }, (_, sequence) => planOf(load, 7, 0)(sequence))
  const share = (is: (one: (typeof all)[number]) => boolean) => all.filter(is).length / all.length
  expect(share(({ kind }) => kind === 'poison')).toBeCloseTo(0.1, 1)
  expect(share(({ isAgain }) => isAgain)).toBeCloseTo(0.2, 1)
  expect(new Set(all.map(({ key }) => key)).size).toBe(16)
})

test('killers lie evenly over the load, whoever sends them', () => {
  const some = { ...load, messages: 100, killers: 3 }
  const kinds = Array.from({ length: 100 }, (_, overall) => {
    return planOf(some, 7, overall % 2)(Math.floor(overall / 2)).kind
  })
  expect(kinds.flatMap((kind, at) => (kind === 'killer' ? [at] : []))).toEqual([25, 50, 75])
})

test('a surge begins at its share of the messages', () => {
  const surging = { ...load, messages: 900, surge: { fromShare: 2 / 3, perSecond: 1_000 } }
  expect([0, 600, 700].map((place) => dueMs(surging, place))).toEqual([0, 1_500, 1_600])
})
