import { expect, it } from 'vitest'
import type { Channel } from '../../runtime/api.ts'
import { virtualClock } from '../../testing/virtualClock.ts'
import { Offer, type Probe } from './offer.ts'

const never = new AbortController().signal

/** A backend that hands over after a delay of its own, or refuses. */
async function offered(
  delayMsOf: (probe: Probe) => number | null,
  load: { readonly rate: number; readonly forMs: number },
) {
  const clock = virtualClock()
  const bodies: string[] = []
  const publish = async (probe: Probe) => {
    bodies.push(JSON.stringify(probe))
    const delayMs = delayMsOf(probe)
    if (delayMs === null) throw new Error('refused')
    void clock.sleep(delayMs, never).then(() => offer.take(probe))
  }
  const channel = { publish } as unknown as Channel<Probe>
  const offer = new Offer(channel, 300, clock)
  const measured = await clock.runUntil(offer.run({ ...load, signal: never, onSent: () => {} }))
  return { measured, bodies }
}

it('offers what was asked for, in messages of the size asked for', async () => {
  const { measured, bodies } = await offered(() => 7, { rate: 500, forMs: 1_000 })
  expect(measured).toMatchObject({ offered: 500, sent: 500, delivered: 500, refused: 0 })
  expect(measured.achieved).toBe(500)
  expect(measured.p50Ms).toBeGreaterThanOrEqual(7)
  expect(measured.maxMs).toBeLessThan(9)
  expect(new Set(bodies.map(({ length }) => length))).toEqual(new Set([300]))
})

it('a delay that grows is a rate that is not reached, and stands in the latencies', async () => {
  const { measured } = await offered(({ n }) => n, { rate: 1_000, forMs: 1_000 })
  expect(measured.achieved).toBeLessThan(550)
  expect(measured.maxMs).toBeGreaterThan(990)
})

it('a stop of the backend is seen by all that were due meanwhile', async () => {
  // Everything of the second half second comes at its end.
  const stop = ({ n }: Probe) => (n < 500 ? 1 : 1_000 - n)
  const { measured } = await offered(stop, { rate: 1_000, forMs: 1_000 })
  expect(measured.p99Ms).toBeGreaterThan(450)
  expect(measured.p50Ms).toBeLessThan(20)
})

it('counts what is refused and what does not arrive', async () => {
  const odd = await offered(({ n }) => (n % 2 ? null : 1), { rate: 100, forMs: 1_000 })
  expect(odd.measured).toMatchObject({ sent: 100, delivered: 50, refused: 50 })
  expect(odd.measured.achieved).toBeLessThan(55)
  const none = await offered(() => 1e9, { rate: 100, forMs: 100 })
  expect(none.measured).toMatchObject({ delivered: 0, achieved: 0, p99Ms: null, maxMs: null })
})
