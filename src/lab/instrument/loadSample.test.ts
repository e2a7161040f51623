import { expect, test } from 'vitest'
import { loadBetween, loadSample } from './loadSample.ts'

const pressure = (recent: string, total: number) =>
  `some avg10=${recent} avg60=0.17 avg300=0.51 total=${total}\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n`
/** So many ticks, of which so many were stolen; the last two count again what is in the first. */
const ticks = (all: number, stolen: number) =>
  `cpu  ${all - stolen - 60} 10 10 10 10 10 10 ${stolen} ${all / 2} ${all / 4}\ncpu0 1 1 1 1 1 1 1 1 0 0\n`

function sampled(timeMs: number, texts: Readonly<Record<string, string>>) {
  return { ...loadSample((path) => texts[path] ?? null), timeMs, loadAverage: timeMs / 1_000 }
}

test('pressure and steal are shares of the time between two samples', () => {
  const before = sampled(1_000, {
    '/proc/pressure/cpu': pressure('12.50', 5_000_000),
    '/proc/stat': ticks(1_000, 100),
  })
  const after = sampled(3_000, {
    '/proc/pressure/cpu': pressure('99.00', 5_500_000),
    '/proc/stat': ticks(1_400, 120),
  })
  expect(loadBetween(before, after)).toEqual({
    before: { loadAverage: 1, pressure: 0.125 },
    during: { loadAverage: 3, pressure: 0.25, steal: 0.05 },
  })
})

test('a share is never less than nothing or more than all', () => {
  const before = sampled(0, {
    '/proc/pressure/cpu': pressure('0.00', 0),
    '/proc/stat': ticks(1_000, 100),
  })
  const after = sampled(1, {
    '/proc/pressure/cpu': pressure('0.00', 9_000),
    '/proc/stat': ticks(2_000, 90),
  })
  expect(loadBetween(before, after).during).toMatchObject({ pressure: 1, steal: 0 })
  expect(loadBetween(after, after).during).toMatchObject({ pressure: null, steal: null })
})

test('a kernel that counts neither tells nothing', () => {
  const nothing = sampled(0, { '/proc/stat': 'cpu  1 2 3 4\n' })
  const { before, during } = loadBetween(nothing, sampled(1_000, {}))
  expect(before.pressure).toBeNull()
  expect(during).toMatchObject({ pressure: null, steal: null })
})

test('this very machine can be sampled', () => {
  const { timeMs, loadAverage } = loadSample()
  expect(timeMs).toBeGreaterThan(0)
  if (process.platform !== 'win32') expect(loadAverage).toBeGreaterThanOrEqual(0)
})
