import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Histogram, type HistogramJson } from './histogram.ts'

const seed = 20_261
const topNs = 3_600_000_000_000
const anyNs = fc.oneof(
  fc.integer({ min: 0, max: 5_000 }),
  fc.integer({ min: 0, max: 2 ** 31 }),
  fc.maxSafeNat().map((ns) => ns % (topNs + 1)),
  fc
    .integer({ min: 11, max: 41 })
    .chain((exponent) => fc.integer({ min: -1, max: 1 }).map((beside) => 2 ** exponent + beside)),
)
const anyTimes = fc.array(fc.oneof(anyNs, fc.constant(topNs + 1)), { maxLength: 40 })

function of(times: readonly number[]): Histogram {
  const histogram = new Histogram()
  for (const ns of times) histogram.record(ns)
  return histogram
}

function merged(...all: readonly Histogram[]): HistogramJson {
  const histogram = new Histogram()
  for (const one of all) histogram.merge(one)
  return histogram.toJSON()
}

describe('a percentile', () => {
  it('is within 0.1 % of the sorted times', () => {
    fc.assert(
      fc.property(
        fc.array(anyNs, { minLength: 1, maxLength: 200 }),
        fc.constantFrom(0, 0.5, 0.9, 0.99, 0.999, 1),
        (times, quantile) => {
          const sorted = times.toSorted((a, b) => a - b)
          const exact = sorted[Math.max(0, Math.ceil(quantile * times.length) - 1)] as number
          const found = of(times).percentileNs(quantile) as number
          expect(Math.abs(found - exact)).toBeLessThanOrEqual(exact / 1_000)
        },
      ),
      { seed, numRuns: 2_000 },
    )
  })

  it('keeps zero, and each nanosecond below 2 us', () => {
    for (const ns of [0, 1, 999, 1_000, 1_001, 2_047]) expect(of([ns]).percentileNs(0.5)).toBe(ns)
  })

  it('is not known of what is longer than an hour', () => {
    const histogram = of([5, topNs, topNs + 1, topNs * 9])
    expect(histogram.percentileNs(0.5)).toBeCloseTo(topNs, -10)
    expect(histogram.percentileNs(0.75)).toBeNull()
    expect(histogram.toJSON()).toMatchObject({ count: 4, over: 2, min: 5, max: topNs * 9 })
    expect(new Histogram().percentileNs(0.5)).toBeNull()
  })
})

describe('merging', () => {
  it('adds, in whatever order', () => {
    fc.assert(
      fc.property(anyTimes, anyTimes, anyTimes, (a, b, c) => {
        const all = of([...a, ...b, ...c]).toJSON()
        const ofBoth = Histogram.fromJSON(merged(of(b), of(c)))
        expect(merged(of(a), ofBoth)).toEqual(all)
        expect(merged(Histogram.fromJSON(merged(of(a), of(b))), of(c))).toEqual(all)
        expect(merged(of(b), of(a), of(c))).toEqual(all)
      }),
      { seed, numRuns: 200 },
    )
  })
})

describe('as JSON', () => {
  it('says all, and is read again', () => {
    const json = of([0, 7, 7, 2_048, topNs + 1]).toJSON()
    expect(json).toEqual({
      ...{ unit: 'ns', digits: 3, count: 5, min: 0, max: topNs + 1 },
      ...{ sum: topNs + 2_063, over: 1 },
      buckets: [
        [0, 1],
        [7, 2],
        [2_048, 1],
      ],
    })
    fc.assert(
      fc.property(anyTimes, (times) => {
        const written = JSON.stringify(of(times))
        expect(JSON.stringify(Histogram.fromJSON(JSON.parse(written)))).toBe(written)
      }),
      { seed, numRuns: 200 },
    )
  })

  it('knows least and most of nothing as null', () => {
    expect(new Histogram().toJSON()).toMatchObject({ count: 0, min: null, max: null, sum: 0 })
    const again = Histogram.fromJSON(new Histogram().toJSON())
    again.record(3)
    expect(again.toJSON()).toMatchObject({ count: 1, min: 3, max: 3 })
  })

  it.for([
    ['a bucket that there is not', { buckets: [[99_999, 2]] }],
    ['a bucket before the first', { buckets: [[-1, 2]] }],
    ['a count that is not that of the buckets', { count: 3 }],
    ['another unit', { unit: 'us' }],
    ['other digits', { digits: 2 }],
  ] as const)('is not read with %s', ([_name, wrong]) => {
    const json = { ...of([7, 7]).toJSON(), ...wrong } as HistogramJson
    expect(() => Histogram.fromJSON(json)).toThrowError(/cannot read this JSON/)
  })
})

it.for([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses %d ns', (ns) => {
  const histogram = new Histogram()
  expect(() => histogram.record(ns)).toThrowError(`cannot record ${ns} ns`)
  expect(histogram.count).toBe(0)
})
