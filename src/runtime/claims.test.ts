import { expect, test } from 'vitest'
import type { Driver, Marks } from '../core/driver.ts'
import { memory } from '../drivers/memory/index.ts'
import { type VirtualClock, virtualClock } from '../testing/virtualClock.ts'
import { createBus } from './bus.ts'

const never = new AbortController().signal

/** Its first claim is answered late, every later one arrives late. */
function slowMarks(driver: Driver, clock: VirtualClock, lateMs: number): Driver {
  return withClaims(driver, async (claim, call) => {
    if (call > 1) await clock.sleep(lateMs, never)
    const answers = await claim()
    if (call === 1) await clock.sleep(lateMs, never)
    return answers
  })
}

type Claim = () => ReturnType<Marks['claim']>

/** `change` carries the nth claim out, from 1. */
function withClaims(
  driver: Driver,
  change: (claim: Claim, call: number) => ReturnType<Marks['claim']>,
): Driver {
  let calls = 0
  const slow = (marks: Marks): Marks => ({
    claim: (...asked) => change(() => marks.claim(...asked), ++calls),
    finish: (...asked) => marks.finish(...asked),
  })
  return {
    name: driver.name,
    contracts: driver.contracts,
    async open(on, signal) {
      const session = await driver.open(on, signal)
      return {
        info: session.info,
        admin: session.admin,
        contract: (...asked) => session.contract(...asked),
        publisher: (...asked) => session.publisher(...asked),
        source: (...asked) => session.source(...asked),
        marks: (...asked) => slow(session.marks?.(...asked) as Marks),
        [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
      }
    },
  }
}

test('a claim that was answered late is renewed at once: its twin finds it', async () => {
  const clock = virtualClock()
  const store = memory({ clock })
  const wish = { leaseMs: 900, dedupe: { on: 'consume', windowMs: 60_000 } } as const
  const slow = await createBus(slowMarks(store, clock, 420), { clock, seed: 1 })
  const other = await createBus(store, { clock, seed: 2 })
  const runs: string[] = []
  slow.queue<string>('orders', wish).subscribe(async () => {
    runs.push('slow')
    await clock.sleep(3_000, new AbortController().signal)
  })
  await clock.advance(290)
  await other.queue<string>('orders', wish).publish('x', { id: 'm' })
  await clock.advance(920) // the first claim alone would have ended
  other.queue<string>('orders', wish).subscribe(() => void runs.push('other'))
  await other.queue<string>('orders', wish).publish('x', { id: 'm' })
  await clock.advance(10_000)
  expect(runs).toEqual(['slow'])
  const [depth] = await other.admin.depths([{ name: 'orders', pattern: 'queue' }])
  expect(depth).toMatchObject({ waiting: 0, inFlight: 0, scheduled: 0, out: 2 })
  await clock.runUntil(Promise.all([slow.close(), other.close()]))
})

test('a renewal that nobody answers does not let the claim end: the next one is sent all the same', async () => {
  const clock = virtualClock()
  const store = memory({ clock })
  const wish = { leaseMs: 900, dedupe: { on: 'consume', windowMs: 60_000 } } as const
  const silent = withClaims(store, (claim, call) => (call === 2 ? new Promise(() => {}) : claim()))
  const bus = await createBus(silent, { clock, seed: 1 })
  const other = await createBus(store, { clock, seed: 2 })
  const runs: string[] = []
  bus.queue<string>('orders', wish).subscribe(async () => {
    runs.push('first')
    await clock.sleep(3_000, never)
  })
  await other.queue<string>('orders', wish).publish('x', { id: 'm' })
  await clock.advance(1_500) // more than a lease since the claim
  other.queue<string>('orders', wish).subscribe(() => void runs.push('twin'))
  await other.queue<string>('orders', wish).publish('x', { id: 'm' })
  await clock.advance(10_000)
  expect(runs).toEqual(['first'])
  await clock.runUntil(Promise.all([bus.close(), other.close()]))
})
