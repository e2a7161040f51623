import { describe, expect, test } from 'vitest'
import { none, scene } from '../../../test/relayScene.ts'
import type { Live } from '../../core/driver.ts'
import type { RelayOptions } from './relayApi.ts'

describe('without a worker', () => {
  test('a message is counted, told with its id, and given to whoever asked for it', async () => {
    await using world = await scene()
    const lost: string[] = []
    const { relay, told } = await world.relay({ onNoWorker: ({ id }) => void lost.push(id) })
    await world.clock.runUntil(relay.ready())
    await world.publish(1)
    await world.clock.advance(100)
    expect(relay.counts).toEqual({ ...none, taken: 1, noWorker: 1 })
    expect(told).toEqual([['m1', 'NO_WORKER']])
    expect(lost).toEqual(['m1'])
    await world.subscribe('a')
    await world.clock.advance(10_000)
    expect(world.seen).toEqual([])
  })

  test('the newest are held when that was asked for, and come in their order', async () => {
    await using world = await scene()
    const { relay, told } = await world.relay({ hold: { messages: 2, ms: 5_000 } })
    await world.clock.runUntil(relay.ready())
    for (let n = 1; n <= 3; n++) await world.publish(n)
    await world.clock.advance(1_000)
    expect(relay.counts).toEqual({ ...none, taken: 3, noWorker: 1, held: 2 })
    expect(told).toEqual([['m1', 'NO_WORKER']])
    await world.subscribe('a')
    await world.publish(4)
    await world.clock.advance(1_000)
    expect(world.seen).toEqual(['a 2', 'a 3', 'a 4'])
    expect(relay.counts).toEqual({ ...none, taken: 4, routed: 3, noWorker: 1 })
  })

  test('many that were held go out in batches, in their order', async () => {
    const sizes: number[] = []
    await using world = await scene((live) => ({
      send: (...args) => {
        sizes.push(args[1].length)
        return live.send(...args)
      },
    }))
    const { relay } = await world.relay({ hold: { messages: 1_200, ms: 60_000 } })
    await world.clock.runUntil(relay.ready())
    const batch = Array.from({ length: 1_200 }, (_, data) => ({ data }))
    await world.clock.runUntil(world.rooms.publishMany(batch))
    await world.clock.advance(1_000)
    expect(relay.counts).toMatchObject({ held: 1_200, noWorker: 0 })
    const seen: number[] = []
    const worker = world.rooms.subscribe((n) => void seen.push(n), {
      concurrency: 2_000,
      holdMax: 2_000,
    })
    await world.clock.runUntil(worker.ready())
    await world.clock.advance(1_000)
    expect(sizes).toEqual([500, 500, 200])
    expect(seen).toEqual(batch.map(({ data }) => data))
  })

  test('what is held goes when its time is over', async () => {
    await using world = await scene()
    const { relay, told } = await world.relay({ hold: { messages: 2, ms: 5_000 } })
    await world.clock.runUntil(relay.ready())
    await world.publish(1)
    await world.clock.advance(4_900)
    expect(relay.counts).toMatchObject({ held: 1, noWorker: 0 })
    await world.clock.advance(500)
    expect(relay.counts).toEqual({ ...none, taken: 1, noWorker: 1 })
    expect(told).toEqual([['m1', 'NO_WORKER']])
  })

  test('what is held when it closes went to nobody', async () => {
    await using world = await scene()
    const { relay, told } = await world.relay({ hold: { messages: 2, ms: 60_000 } })
    await world.clock.runUntil(relay.ready())
    await world.publish(1)
    await world.clock.advance(100)
    await world.clock.runUntil(relay.close())
    expect(relay.counts).toEqual({ ...none, taken: 1, noWorker: 1 })
    expect(told).toEqual([['m1', 'NO_WORKER']])
  })
})

async function leading(options: RelayOptions, around?: (live: Required<Live>) => Partial<Live>) {
  const world = await scene(around)
  const { relay, told } = await world.relay(options)
  await world.clock.runUntil(relay.ready())
  const publishMany = async (count: number) => {
    const batch = Array.from({ length: count }, (_, data) => ({ data }))
    await world.clock.runUntil(world.rooms.publishMany(batch))
    await world.clock.advance(2_000)
  }
  const wide = async (seen: number[]) => {
    const options = { concurrency: 5_000, holdMax: 5_000 }
    const worker = world.rooms.subscribe((n) => void seen.push(n), options)
    await world.clock.runUntil(worker.ready())
  }
  return { ...world, relay, told, publishMany, wide }
}

test('a worker that comes between two batches of what is held is given the oldest first', async () => {
  let unseen = 0
  await using world = await leading({ hold: { messages: 1_200, ms: 60_000 } }, (live) => ({
    workers: async (...args) => (unseen-- > 0 ? [] : live.workers(...args)),
  }))
  await world.publishMany(1_200)
  expect(world.relay.counts.held).toBe(1_200)
  const seen: number[] = []
  unseen = 1
  await world.wide(seen)
  await world.clock.advance(2_000)
  expect(seen).toEqual(Array.from({ length: 1_200 }, (_, n) => n))
})

test('while nobody is there it looks once for all that is held, however much that is', async () => {
  let looks = 0
  await using world = await leading({ hold: { messages: 5_000, ms: 600_000 } }, (live) => ({
    workers: (...args) => {
      looks++
      return live.workers(...args)
    },
  }))
  await world.publishMany(5_000)
  looks = 0
  await world.clock.advance(10_000)
  expect(looks).toBeLessThanOrEqual(10 * 4 + 1)
  expect(world.relay.counts).toMatchObject({ taken: 5_000, held: 5_000 })
})
