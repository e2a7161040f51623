import { describe, expect, test } from 'vitest'
import { virtualClock } from '../testing/virtualClock.ts'
import { batchSizeMax, Intake } from './intake.ts'
import type { Raw } from './sink.ts'

const limits = { rowsMax: 1_000, messagesMax: 64, bytesMax: 1_000, ageMsMax: 5_000, pathsMax: 10 }

let count = 0
function raw(crashes = 0, bytes = 1): Raw {
  return { crashes, message: { id: String(count++), bytes } } as unknown as Raw
}

function filled(...raws: Raw[]) {
  const clock = virtualClock()
  const intake = new Intake(limits, clock)
  for (const one of raws) intake.add(one)
  return { clock, intake }
}

const times = (n: number, crashes = 0) => Array.from({ length: n }, () => raw(crashes))

describe('a batch ends', () => {
  test('at its number of messages; the rest waits for the next one', async () => {
    const { intake } = filled(...times(70))
    expect(await intake.next()).toHaveLength(64)
    expect(intake.waiting).toBe(6)
  })

  test('at its bytes, which one message may exceed alone', async () => {
    const { intake } = filled(raw(0, 600), raw(0, 600), raw(0, 5_000), raw(0, 1))
    expect(await intake.next()).toHaveLength(2)
    expect(await intake.next()).toHaveLength(1)
  })

  test('at its age, counted from its first message, without new data', async () => {
    const { intake, clock } = filled()
    const next = intake.next()
    await clock.advance(60_000)
    intake.add(raw())
    await clock.advance(4_000)
    intake.add(raw())
    expect(await clock.runUntil(next)).toHaveLength(2)
    expect(clock.monotonicMs()).toBe(65_000)
  })

  test('at the stop, then comes an empty one', async () => {
    const { intake } = filled(raw())
    intake.stop()
    expect(await intake.next()).toHaveLength(1)
    expect(await intake.next()).toEqual([])
  })
})

describe('suspects', () => {
  test.for([
    [0, 64],
    [1, 4],
    [2, 1],
    [5, 1],
  ] as const)('with %i crashes go at most %i together', ([crashes, size]) => {
    expect(batchSizeMax(crashes, 64)).toBe(size)
  })

  test('are no company for the healthy, before or after', async () => {
    const { intake, clock } = filled(raw(), raw(), raw(1), raw(1), raw())
    expect(await intake.next()).toHaveLength(2)
    expect(await intake.next()).toHaveLength(2)
    expect(await clock.runUntil(intake.next())).toHaveLength(1)
  })

  test('with the most crashes set the size for all beside them', async () => {
    const { intake, clock } = filled(raw(1), raw(2), raw(1), raw(1))
    expect(await intake.next()).toHaveLength(1)
    expect(await intake.next()).toHaveLength(1)
    expect(await clock.runUntil(intake.next())).toHaveLength(2)
  })

  test('do not wait for a full batch', async () => {
    const { intake, clock } = filled(raw(1))
    await clock.runUntil(intake.next())
    expect(clock.monotonicMs()).toBe(100)
  })

  test('50,000 that were begun together are few commits, not 50,000', async () => {
    const clock = virtualClock()
    const intake = new Intake({ ...limits, messagesMax: 50_000, bytesMax: 1e9 }, clock)
    for (let n = 0; n < 50_000; n++) intake.add(raw(1))
    intake.stop()
    let commits = 0
    while ((await intake.next()).length > 0) commits++
    expect(commits).toBe(16)
  })
})
