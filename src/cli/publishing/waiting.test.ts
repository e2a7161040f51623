import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Clock } from '../../core/clock.ts'
import { systemClock } from '../../core/clock.ts'
import { NarrowcastError } from '../../core/errors.ts'
import type { Health } from '../../runtime/health.ts'
import type { Interrupts } from '../interrupts.ts'
import type { Output } from '../output/output.ts'
import { Waiting } from './waiting.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const well: Health = {
  ...{ isReady: true, isAlive: true, trouble: null },
  ...{ subscriptions: [], refusals: [] },
}
const refusal = { channel: 'ks', pattern: 'queue', why: 'no room', leftMs: 9_000 } as const
const closed = new NarrowcastError('CLOSED', 'channel "ks" was closed')

function waitingOn(health: Health) {
  const stop = new AbortController()
  const told: string[] = []
  let closes = 0
  const clock: Clock = { ...systemClock, monotonicMs: () => performance.now() }
  const output = { warn: (text: string) => told.push(text) } as unknown as Output
  const interrupts = { claim: () => stop.signal } as Interrupts
  const bus = {
    health: () => health,
    close: async () => {
      closes++
    },
  }
  const channel = { name: 'ks', pattern: 'queue' } as const
  const invocation = { clock, live: false, output, interrupts }
  const waiting = new Waiting(invocation, bus, channel, 30_000)
  return { waiting, told, stop, closes: () => closes }
}

it('says once after two seconds without an answer how long it goes on, and anew for a later one', async () => {
  const { waiting, told } = waitingOn({ ...well, trouble: 'away' })
  await vi.advanceTimersByTimeAsync(9_000)
  expect(told).toEqual([])
  const first = Promise.withResolvers<string>()
  const done = waiting.during(first.promise)
  await vi.advanceTimersByTimeAsync(1_750)
  expect(told).toEqual([])
  await vi.advanceTimersByTimeAsync(9_000)
  expect(told).toEqual(['no answer for 2.0 s; waits 28.0 s more'])
  first.resolve('stored')
  expect(await done).toBe('stored')
  void waiting.during(new Promise(() => {}))
  await vi.advanceTimersByTimeAsync(9_000)
  expect(told).toHaveLength(2)
  waiting[Symbol.dispose]()
})

it('leaves it to others to tell of a broker that refuses', async () => {
  const { waiting, told } = waitingOn({ ...well, refusals: [refusal] })
  void waiting.during(new Promise(() => {}))
  await vi.advanceTimersByTimeAsync(9_000)
  expect(told).toEqual(['refused for now: no room; goes on trying for 9.0 s'])
  waiting[Symbol.dispose]()
})

it.each([
  ['away', { ...well, trouble: 'away' }, 0],
  ['refusing', { ...well, refusals: [refusal] }, 0],
  ['silent', well, 2_000],
])('ends the wait when it is told to stop: %s', async (_, health, graceMs) => {
  const { waiting, stop, closes } = waitingOn(health)
  expect(waiting.whyEnded(closed)).toBe(closed)
  stop.abort('SIGINT')
  await vi.advanceTimersByTimeAsync(Math.max(0, graceMs - 1))
  expect(closes()).toBe(graceMs === 0 ? 1 : 0)
  await vi.advanceTimersByTimeAsync(1)
  expect(closes()).toBe(1)
  expect(waiting.whyEnded(closed)).toMatchObject({ code: 'ABORTED', definite: closed.definite })
  waiting[Symbol.dispose]()
})

it('closes nothing when all had its answer in time', async () => {
  const { waiting, stop, closes } = waitingOn(well)
  stop.abort('SIGINT')
  await vi.advanceTimersByTimeAsync(1_000)
  waiting[Symbol.dispose]()
  await vi.advanceTimersByTimeAsync(9_000)
  expect([closes(), waiting.whyEnded(closed)]).toEqual([0, closed])
})
