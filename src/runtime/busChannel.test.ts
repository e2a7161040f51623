import { describe, expect, test } from 'vitest'
import { memory } from '../drivers/memory/index.ts'
import { createBus } from './bus.ts'

const dedupe = { on: 'consume' } as const

describe('deliveries() of a channel with dedupe on consume:', () => {
  test('is refused, since it claims no ids and twins would both be handed out', async () => {
    await using bus = await createBus(memory())
    const orders = bus.queue('orders', { dedupe })
    expect(() => orders.deliveries()).toThrow(
      expect.objectContaining({
        code: 'UNSUPPORTED',
        channel: 'orders',
        hint: expect.stringContaining('dedupe: false'),
      }),
    )
    const wrong = { dedupe: true } as unknown as { dedupe: false }
    expect(() => orders.deliveries(wrong)).toThrow('option dedupe: expected false, got true')
    await using events = bus
      .stream('events', { dedupe: { on: 'publish' } })
      .deliveries({ group: 'a' })
    await events.ready()
  })

  test('with dedupe: false it takes every twin, and leaves no mark behind', async () => {
    await using bus = await createBus(memory())
    const orders = bus.queue<number>('orders', { dedupe })
    for (const n of [1, 2, 3]) await orders.publish(n, { id: 'twin' })
    const taken: number[] = []
    await using open = orders.deliveries({ dedupe: false })
    for await (const delivery of open) {
      taken.push(delivery.data)
      await delivery.settle({ kind: 'ack' })
      if (taken.length === 2) break
    }
    await open.close()
    const third = await new Promise((resolve) => orders.subscribe((n) => resolve(n)))
    expect([...taken, third]).toEqual([1, 2, 3])
  })
})
