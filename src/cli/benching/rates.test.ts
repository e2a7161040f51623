import { describe, expect, it } from 'vitest'
import type { Measured } from './offer.ts'
import { conclusion, highest, risingRates } from './rates.ts'

const measured = (offered: number, achieved: number, p99Ms: number | null = 2): Measured => ({
  ...{ offered, achieved, sent: offered, delivered: achieved, refused: 0 },
  ...{ p50Ms: 1, p99Ms, p999Ms: 3, maxMs: 4 },
})
const never = new AbortController().signal

describe('risingRates', () => {
  it.for([
    ['too little arrives', (rate: number) => measured(rate, Math.min(rate, 700)), 400, 800],
    ['95 % are enough', (rate: number) => measured(rate, rate < 400 ? rate * 0.95 : 0), 200, 400],
    ['p99 is too high', (rate: number) => measured(rate, rate, rate / 10), 400, 800],
    ['nothing arrives', (rate: number) => measured(rate, 0, null), null, 100],
  ] as const)('doubles until %s', async ([_name, measure, best, last]) => {
    const all = await risingRates(100, 50, never, async (rate) => measure(rate))
    expect(all.at(-1)?.offered).toBe(last)
    expect(highest(all, 50)?.offered ?? null).toBe(best)
  })

  it('keeps no rate that was cut short', async () => {
    const stopping = new AbortController()
    const all = await risingRates(100, 50, stopping.signal, async (rate) => {
      if (rate === 200) stopping.abort()
      return measured(rate, rate)
    })
    expect(all.map(({ offered }) => offered)).toEqual([100])
    expect(conclusion(all, 50)).toBe('keeps up with 100/s, p99 2 ms')
  })

  it('ends by itself where everything is kept up', async () => {
    const all = await risingRates(1, 50, never, async (rate) => measured(rate, rate))
    expect(all).toHaveLength(20)
  })
})

describe('conclusion', () => {
  it('names the highest rate that was kept up, and what came of the next', () => {
    expect(conclusion([measured(100, 100), measured(200, 150, 900)], 500)).toBe(
      'keeps up with 100/s, p99 2 ms; of 200/s it came to 150/s, p99 900 ms',
    )
    expect(conclusion([measured(100, 0, null)], 500)).toBe(
      'keeps up with no rate that was offered; of 100/s it came to 0/s, p99 -',
    )
  })
})
