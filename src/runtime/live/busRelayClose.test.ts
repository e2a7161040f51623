import { describe, expect, test } from 'vitest'
import { none, scene } from '../../../test/relayScene.ts'

describe('closing', () => {
  test('sends on what it was given, and takes nothing more', async () => {
    await using world = await scene()
    const { relay } = await world.relay({
      onDecision: () => world.clock.sleep(100, new AbortController().signal),
    })
    await world.clock.runUntil(relay.ready())
    await world.subscribe('a')
    await world.publish(1)
    await world.clock.settle()
    await world.publish(2)
    await world.publish(3)
    const closing = relay.close()
    await world.clock.advance(150)
    expect(world.seen).toEqual([])
    await world.clock.runUntil(closing)
    await world.clock.advance(100)
    expect(world.seen).toEqual(['a 1', 'a 2', 'a 3'])
    expect(relay.counts).toEqual({ ...none, taken: 3, routed: 3 })
    expect(await world.publish(4)).toMatchObject({ receivers: 0 })
  })

  test('waits for no book that never answers', async () => {
    await using world = await scene()
    const { relay } = await world.relay({ onDecision: () => new Promise(() => {}) })
    await world.clock.runUntil(relay.ready())
    await world.publish(1)
    await world.clock.settle()
    await world.clock.runUntil(relay.close())
    expect(relay.isReady).toBe(false)
  })

  test('the bus closes it too', async () => {
    const world = await scene()
    const { relay, told } = await world.relay({ hold: { messages: 5, ms: 60_000 } })
    await world.clock.runUntil(relay.ready())
    await world.publish(1)
    await world.clock.advance(100)
    await world.clock.runUntil(world.bus.close())
    expect(relay.counts).toEqual({ ...none, taken: 1, noWorker: 1 })
    expect(told).toEqual([['m1', 'NO_WORKER']])
    expect(relay.isReady).toBe(false)
  })

  test('tells what is held, also where a book never answers', async () => {
    let isSilent = false
    const onDecision = () => (isSilent ? new Promise<void>(() => {}) : undefined)
    await using world = await scene()
    const { relay, told } = await world.relay({ hold: { messages: 5, ms: 600_000 }, onDecision })
    await world.clock.runUntil(relay.ready())
    for (const n of [1, 2, 3]) await world.publish(n)
    await world.clock.advance(2_000)
    isSilent = true
    await world.clock.runUntil(relay.close())
    expect(relay.counts).toEqual({ ...none, taken: 3, noWorker: 3 })
    expect(told.map(([, code]) => code)).toEqual(['NO_WORKER', 'NO_WORKER', 'NO_WORKER'])
  })
})
