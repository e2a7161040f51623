import { expect, test } from 'vitest'
import { memory } from '../../drivers/memory/index.ts'
import { createBus } from '../../runtime/bus.ts'
import type { ChannelPlan } from '../plan.ts'
import { depthsOf } from './depths.ts'

test('a channel that the broker has lost is not found, and nobody takes that for a fault of the lab', async () => {
  await using bus = await createBus(memory())
  const gone = depthsOf(bus, { name: 'jobs', pattern: 'queue' } as ChannelPlan, 0n, 0)
  await expect(gone).rejects.toMatchObject({ code: 'NOT_FOUND', channel: 'jobs' })
})
