import { describe, expect, test } from 'vitest'
import { none, scene } from '../../../test/relayScene.ts'
import type { Live } from '../../core/driver.ts'

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

  /** A relay that leads, and routes 500 messages in 800 ms; so many wait for it. */
  async function slow(count: number, around?: (live: Required<Live>) => Partial<Live>) {
    const world = await scene(around)
    const { relay, told } = await world.relay({
      onDecision: () => world.clock.sleep(400, new AbortController().signal),
    })
    await world.clock.runUntil(relay.ready())
    await world.subscribe('a')
    const batch = Array.from({ length: count }, (_, data) => ({ data }))
    const receipts = await world.clock.runUntil(world.rooms.publishMany(batch))
    expect(receipts.filter((one) => 'receivers' in one && one.receivers === 1)).toHaveLength(count)
    const startMs = world.clock.monotonicMs()
    return { ...world, relay, told, passedMs: () => world.clock.monotonicMs() - startMs }
  }

  test('what it cannot send on in time is counted and told one by one', async () => {
    await using world = await slow(8_000)
    const { relay, told } = world
    await world.clock.runUntil(relay.close())
    const { routed, dropped } = relay.counts
    expect(relay.counts).toEqual({ ...none, taken: 8_000, routed, dropped })
    expect([routed + dropped, routed > 0, dropped > 0]).toEqual([8_000, true, true])
    expect(new Set(told.map(([id]) => id)).size).toBe(dropped)
    expect(new Set(told.map(([, code]) => code))).toEqual(new Set(['CLOSED']))
    expect(told).toHaveLength(dropped)
  })

  test('the bus lets it take no longer than it has itself', async () => {
    await using world = await slow(2_000)
    await world.clock.runUntil(world.bus.close({ timeoutMs: 100 }))
    expect(world.passedMs()).toBe(100)
    expect(world.relay.counts).toEqual({ ...none, taken: 2_000, dropped: 2_000 })
    expect(world.told).toHaveLength(2_000)
  })

  test('a bus that closes in a hurry ends a close that is under way', async () => {
    await using world = await slow(2_000, (live) => ({
      lead: async (...args) => {
        const lead = await live.lead(...args)
        const stop = lead.stop.bind(lead)
        lead.stop = async (signal) => {
          signal.throwIfAborted()
          return stop(signal)
        }
        return lead
      },
    }))
    const closing = world.relay.close()
    await world.clock.runUntil(world.bus.close({ timeoutMs: 0 }))
    await closing
    expect(world.passedMs()).toBe(0)
    expect(world.relay.counts).toEqual({ ...none, taken: 2_000, dropped: 2_000 })
  })

  test('what was chosen after the deadline is sent to nobody', async () => {
    let sends = 0
    await using world = await slow(1, (live) => ({
      send: (...args) => {
        sends++
        return live.send(...args)
      },
    }))
    await world.clock.advance(500)
    await world.clock.runUntil(world.bus.close({ timeoutMs: 100 }))
    await world.clock.advance(10_000)
    expect(sends).toBe(0)
    expect(world.relay.counts).toEqual({ ...none, taken: 1, dropped: 1 })
    expect(world.told.map(([, code]) => code)).toEqual(['CLOSED'])
  })

  test('a broker that does not answer gets a second more, and no longer', async () => {
    await using world = await slow(1, (live) => ({
      lead: async (...args) => {
        const lead = await live.lead(...args)
        lead.stop = (signal) =>
          new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
        return lead
      },
    }))
    await world.clock.advance(2_000)
    const beforeMs = world.passedMs()
    await world.clock.runUntil(world.relay.close())
    expect(world.passedMs() - beforeMs).toBe(6_000)
    expect(world.relay.counts).toEqual({ ...none, taken: 1, routed: 1 })
    expect(world.told).toEqual([[null, 'TIMEOUT']])
  })
})
