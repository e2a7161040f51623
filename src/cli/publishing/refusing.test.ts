import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Clock } from '../../core/clock.ts'
import type { Health } from '../../runtime/health.ts'
import type { Output } from '../output/output.ts'
import { tellRefusals } from './refusing.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

it('tells a refusal once when it lasts, anew when it comes back, and never an outage', () => {
  const refusal = { channel: 'ks', pattern: 'queue', why: 'no\u001b room', leftMs: 28_000 } as const
  const well: Health = {
    ...{ isReady: true, isAlive: true, trouble: null },
    ...{ subscriptions: [], refusals: [] },
  }
  const refuses: Health = { ...well, refusals: [{ ...refusal, channel: 'other' }, refusal] }
  let health = refuses
  const told: string[] = []
  const clock = { monotonicMs: () => performance.now() } as Clock
  const output = { warn: (text: string) => told.push(text) } as unknown as Output
  const channel = { name: 'ks', pattern: 'queue' } as const
  const run = (state: Health, ms: number) => {
    health = state
    vi.advanceTimersByTime(ms)
    return told.length
  }
  const watch = tellRefusals({ clock, live: false, output }, { health: () => health }, channel)
  expect(run(refuses, 2_000)).toBe(0)
  expect(run(refuses, 10_000)).toBe(1)
  expect(told).toEqual(['refused for now: no\\u001b room; goes on trying for 28.0 s'])
  expect(run(well, 500)).toBe(1)
  expect(run({ ...refuses, trouble: 'away' }, 9_000)).toBe(1)
  expect(run(refuses, 3_000)).toBe(2)
  expect(run({ ...well, refusals: [{ ...refusal, channel: 'other' }] }, 9_000)).toBe(2)
  watch[Symbol.dispose]()
  expect(run(refuses, 9_000)).toBe(2)
})
