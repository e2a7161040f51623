import { expect, test } from 'vitest'
import { latencyLine, tailOf } from './latencyLines.ts'

const ms = (...times: number[]) => Float64Array.from(times, (time) => time * 1e6)

test('each piece of time has the latencies of the messages that were due in it', () => {
  const bins = { fromMs: 0, binMs: 10, count: 3 }
  const due = ms(0, 1, 2, 12, 13, Number.NaN)
  const received = ms(5, 2, 3, 112, Number.NaN, Number.NaN)
  expect(latencyLine(bins, 0, due, [received])).toEqual([
    { p50: 1, p99: 5, max: 5, unanswered: 0 },
    { p50: 100, p99: null, max: 100, unanswered: 1 },
    { p50: null, p99: null, max: null, unanswered: 0 },
  ])
})

test('of a broadcast every delivery counts', () => {
  const bins = { fromMs: 0, binMs: 10, count: 1 }
  const line = latencyLine(bins, 0, ms(0, 0), [ms(1, 2), ms(3, Number.NaN)])
  expect(line).toEqual([{ p50: 2, p99: null, max: 3, unanswered: 1 }])
})

test('a tail goes as deep as there are messages, and as they were answered', () => {
  const count = 1_000
  const from = new Float64Array(count)
  const all = Uint32Array.from({ length: count }, (_, at) => at)
  const to = Float64Array.from({ length: count }, (_, at) => (at + 1) * 1e6)
  const tail = tailOf(from, to, all)
  expect(tail.at(0)).toEqual({ quantile: 0, ms: 1 })
  expect(tail.at(-1)).toEqual({ quantile: 0.999, ms: 999 })
  expect(tail).toContainEqual({ quantile: 0.99, ms: 990 })
  to.fill(Number.NaN, 900)
  expect(tailOf(from, to, all).at(-1)).toEqual({ quantile: 0.9, ms: 900 })
  expect(tailOf(from, to, all.subarray(0, 0))).toEqual([])
})
