import { expect, test } from 'vitest'
import { connect } from '../../connect.ts'
import { memory } from '../../drivers/memory/index.ts'
import { countLeft } from './untilEnd.ts'

test('of a queue all is left that is in hand or waits, and no more while it is paused', async () => {
  await using bus = await connect(memory())
  const channel = { name: 'jobs', pattern: 'queue' } as const
  const left = () => countLeft({ bus, channel, group: null })
  expect(await left()).toBe(0)
  const jobs = bus.queue<number>('jobs')
  for (const n of [1, 2, 3]) await jobs.publish(n)
  await jobs.publish(4, { delayMs: 3_600_000 })
  await using deliveries = jobs.deliveries()
  const { value } = await deliveries[Symbol.asyncIterator]().next()
  expect(await left()).toBe(3)
  await bus.admin.pause(channel, true)
  expect(await left()).toBeGreaterThan(0)
  await value.settle({ kind: 'release' })
  await deliveries.close()
  expect(await left()).toBe(0)
  await bus.admin.pause(channel, false)
  expect(await left()).toBe(3)
})

test('of a stream all is left that a group has not settled, but what is delayed', async () => {
  await using bus = await connect(memory())
  const events = bus.stream<number>('events')
  const left = () =>
    countLeft({ bus, channel: { name: 'events', pattern: 'stream' }, group: 'lake' })
  await events.publish(1)
  expect(await left()).toBe(0)
  const settled = Promise.withResolvers<void>()
  const worker = events.subscribe(() => undefined, { group: 'lake' })
  worker.on('settled', () => settled.resolve())
  await settled.promise
  await worker.drain()
  expect(await left()).toBe(0)
  await events.publish(2)
  await events.publish(3, { delayMs: 3_600_000 })
  expect(await left()).toBe(1)
})
