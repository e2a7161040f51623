import { describe, expect, onTestFinished, test } from 'vitest'
import { none, scene } from '../../../test/relayScene.ts'
import type { Live } from '../../core/driver.ts'
import { NarrowcastError } from '../../core/errors.ts'
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

/** Counts the turns of the event loop. */
function turning(): { readonly count: number } {
  const turns = { count: 0, isOver: false }
  const turn = () => {
    turns.count++
    if (!turns.isOver) setImmediate(turn)
  }
  turn()
  onTestFinished(() => {
    turns.isOver = true
  })
  return turns
}

const many = { hold: { messages: 2_000, ms: 60_000 } }

test('between two batches of what was held others get a turn', async () => {
  const turns = turning()
  const sentAt: number[] = []
  await using world = await leading(many, (live) => ({
    send: (...args) => {
      sentAt.push(turns.count)
      return live.send(...args)
    },
  }))
  await world.publishMany(2_000)
  const seen: number[] = []
  await world.wide(seen)
  await world.clock.advance(1_000)
  expect(seen).toHaveLength(2_000)
  expect([sentAt.length, new Set(sentAt).size]).toEqual([4, 4])
})

test.each(['over', 'closed'])('much that is %s is told with turns between', async (how) => {
  const turns = turning()
  await using world = await leading(many)
  await world.publishMany(2_000)
  const toldAt: number[] = []
  world.relay.on('error', () => void toldAt.push(turns.count))
  if (how === 'over') await world.clock.advance(60_000)
  else await world.clock.runUntil(world.relay.close())
  const inOneTurn = Map.groupBy(toldAt, (turn) => turn)
  expect(Math.max(...[...inOneTurn.values()].map(({ length }) => length))).toBeLessThanOrEqual(500)
  expect(world.relay.counts).toMatchObject({ noWorker: 2_000, held: 0 })
})

test('one more message while many wait asks for no more than who is there', async () => {
  const asked: string[] = []
  await using world = await leading(many, (live) => ({
    workers: (...args) => {
      asked.push('workers')
      return live.workers(...args)
    },
    send: (...args) => {
      asked.push('send')
      return live.send(...args)
    },
  }))
  await world.publishMany(2_000)
  asked.length = 0
  await world.publish(1)
  await world.clock.settle()
  expect(asked).toEqual(['workers'])
  expect(world.relay.counts).toMatchObject({ held: 2_000, noWorker: 1 })
})

test('what is held waits on while it cannot be asked who is there', async () => {
  let failures = 0
  await using world = await leading(many, (live) => ({
    workers: (...args) => {
      if (failures-- > 0) throw new NarrowcastError('UNAVAILABLE', 'not now')
      return live.workers(...args)
    },
  }))
  await world.publishMany(1)
  failures = 2
  const seen: number[] = []
  await world.wide(seen)
  await world.clock.advance(1_000)
  expect(seen).toEqual([0])
  expect(world.told).toEqual([
    [null, 'UNAVAILABLE'],
    [null, 'UNAVAILABLE'],
  ])
})
