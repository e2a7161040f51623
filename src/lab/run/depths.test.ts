import { expect, test } from 'vitest'
import { memory } from '../../drivers/memory/index.ts'
import { createBus } from '../../runtime/bus.ts'
import type { ChannelPlan } from '../plan.ts'
import { depthsOf, leftIn, whenAllHaveLeft } from './depths.ts'

test('a channel that the broker has lost is not found, and nobody takes that for a fault of the lab', async () => {
  await using bus = await createBus(memory())
  const gone = depthsOf(bus, { name: 'jobs', pattern: 'queue' } as ChannelPlan, 0n, 0)
  await expect(gone).rejects.toMatchObject({ code: 'NOT_FOUND', channel: 'jobs' })
})

test('all of a stream waits for a group that is to come, once the load has begun', async () => {
  await using bus = await createBus(memory())
  await bus.stream('log').publishMany([{ data: 1 }, { data: 2 }, { data: 3 }])
  const plan = { name: 'log', pattern: 'stream' } as ChannelPlan
  const waitingOf = async (before: number | 'unknown') => {
    const samples = await depthsOf(bus, plan, 0n, before)
    return samples.map(({ waiting }) => waiting)
  }
  expect(await waitingOf('unknown')).toEqual([0, 0])
  expect(await waitingOf(1)).toEqual([2, 2])
})

test('what is not told may be something, but what is in hand is counted when its owner has left', () => {
  const told = { timeNs: 0n, group: null, dead: 0, stored: 'unknown' } as const
  const look = { ...told, waiting: 2, inFlight: 'unknown', scheduled: 1 } as const
  expect(leftIn([look])).toBe(3)
  expect(leftIn([{ ...look, waiting: 'unknown', scheduled: 'unknown' }])).toBe(2)
  expect(leftIn([{ ...look, inFlight: 4 }])).toBe(7)
  expect(whenAllHaveLeft([look, { ...look, inFlight: 4 }])).toMatchObject([
    { waiting: 2, inFlight: 0 },
    { waiting: 2, inFlight: 4 },
  ])
})
