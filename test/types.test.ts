import { expect, expectTypeOf, test } from 'vitest'
import type { Contract } from '../src/core/contract.ts'
import type { Driver } from '../src/core/driver.ts'
import { contracts as fileContracts } from '../src/drivers/file/contract.ts'
import {
  type Bus,
  type Channel,
  connect,
  type Deliveries,
  type Receipt,
  type Subscription,
} from '../src/index.ts'
import { memory } from '../src/testing/index.ts'

/**
 * What must not compile: each line below `@ts-expect-error` is one, and the type check fails for
 * every one that compiles after all. None of it is run.
 */
function compiled(..._checks: readonly unknown[]): void {
  expect(_checks.length).toBeGreaterThan(0)
}

const { queue, stream, broadcast, narrowcast } = fileContracts
const modest = {
  queue: {
    ...queue,
    keyOrder: 'no',
    delay: { ...queue.delay, how: 'no' },
    dedupe: { publishWindowMsMax: null, consume: 'no' },
  },
  stream,
  narrowcast,
} as const
type Modest = Bus<typeof modest>

test('a driver offers the patterns of its contract, and no other', () => {
  compiled((bus: Modest) => [
    bus.queue('orders'),
    bus.stream('events'),
    bus.narrowcast('rooms'),
    // @ts-expect-error
    bus.broadcast('rooms'),
    // @ts-expect-error
    bus.relay('rooms'),
    // @ts-expect-error
    bus.narrowcast('rooms', { via: 'relay' }),
    bus.narrowcast('rooms', { via: 'direct' }),
  ])
})

test('an option that the contract says no to', () => {
  compiled((bus: Modest) => [
    bus.queue('orders', { attempts: 3, leaseMs: 5_000 }),
    // @ts-expect-error
    bus.queue('orders', { order: 'key' }),
    // @ts-expect-error
    bus.queue('orders', { dedupe: { on: 'publish' } }),
    bus.stream('events', { order: 'key', dedupe: { on: 'consume' } }),
    // @ts-expect-error
    bus.queue('orders', { envelope: false }),
    bus.queue('orders', { envelope: true }),
    // @ts-expect-error
    bus.queue('orders').publish(1, { delayMs: 5 }),
    bus.stream('events').publish(1, { delayMs: 5 }),
    // @ts-expect-error
    bus.queue('orders').publishMany([{ data: 1, options: { delayMs: 5 } }]),
  ])
})

test('what only messages have that are kept, on a live pattern', () => {
  compiled((bus: Bus<{ broadcast: typeof broadcast }>) => {
    const rooms = bus.broadcast<string>('rooms')
    return [
      // @ts-expect-error
      bus.broadcast('rooms', { attempts: 3 }),
      // @ts-expect-error
      bus.broadcast('rooms', { leaseMs: 3_000 }),
      // @ts-expect-error
      bus.broadcast('rooms', { backoff: {} }),
      // @ts-expect-error
      bus.broadcast('rooms', { retention: { messages: 1 } }),
      // @ts-expect-error
      rooms.publish('x', { delayMs: 1 }),
      // @ts-expect-error
      rooms.deliveries(),
      // @ts-expect-error
      rooms.subscribe(() => undefined, { group: 'mail' }),
      // @ts-expect-error
      rooms.subscribe(async () => undefined, { batch: { size: 2, waitMsMax: 1 } }),
      rooms.subscribe((data) => void data.length, { concurrency: 2, holdMax: 5 }),
    ]
  })
})

test('what a pattern has no use for', () => {
  compiled((bus: Bus<typeof fileContracts>) => [
    // @ts-expect-error
    bus.queue('orders', { via: 'direct' }),
    // @ts-expect-error
    bus.queue('orders', { strategy: 'random' }),
    // @ts-expect-error
    bus.queue('orders', { retention: { messages: 5 } }),
    // @ts-expect-error
    bus.stream('events', { via: 'direct' }),
    // @ts-expect-error
    bus.stream('events', { strategy: 'random' }),
    bus.stream('events', { retention: { messages: 5 } }),
    // @ts-expect-error
    bus.broadcast('rooms', { via: 'direct' }),
    // @ts-expect-error
    bus.broadcast('rooms', { strategy: 'random' }),
    // @ts-expect-error
    bus.broadcast('rooms', { publish: { retry: 'always' } }),
    bus.broadcast('rooms', { publish: { retry: 'safe', timeoutMs: 5 } }),
    // @ts-expect-error
    bus.narrowcast('rooms', { publish: { retry: 'always' } }),
    // @ts-expect-error
    bus.narrowcast('rooms', { via: 'relay', strategy: 'random' }),
    bus.narrowcast('rooms', { via: 'relay' }),
    bus.narrowcast('rooms', { via: 'direct', strategy: 'random' }),
    bus.narrowcast('rooms', { strategy: 'random' }),
    bus.queue('orders', { publish: { retry: 'always' } }),
  ])
})

test('what a subscription of a pattern has no use for, or needs', () => {
  compiled((bus: Bus<typeof fileContracts>) => {
    const orders = bus.queue<string>('orders')
    const events = bus.stream<string>('events')
    const batch = { size: 2, waitMsMax: 1 }
    return [
      // @ts-expect-error
      orders.subscribe(() => undefined, { holdMax: 5 }),
      // @ts-expect-error
      orders.subscribe(() => undefined, { group: 'mail' }),
      // @ts-expect-error
      orders.subscribe(() => undefined, { from: 'end' }),
      // @ts-expect-error
      orders.subscribe(async () => undefined, { batch, group: 'mail' }),
      orders.subscribe(async () => undefined, { batch }),
      orders.subscribe((data) => void data.length),
      // @ts-expect-error
      orders.deliveries({ group: 'mail' }),
      orders.deliveries({ holdMax: 5 }),
      orders.deliveries(),
      // @ts-expect-error
      events.subscribe(() => undefined, { group: 'mail', holdMax: 5 }),
      // @ts-expect-error
      events.subscribe(() => undefined),
      // @ts-expect-error
      events.subscribe(async () => undefined, { batch }),
      events.subscribe(async (all) => void all.length, { batch, group: 'mail' }),
      events.subscribe((data) => void data.length, { group: 'mail', from: 'end' }),
      // @ts-expect-error
      events.deliveries(),
      events.deliveries({ group: 'mail', holdMax: 5 }),
    ]
  })
})

test('a pattern that is known only at run time takes what any pattern takes', () => {
  compiled((bus: Bus, pattern: 'queue' | 'stream' | 'broadcast' | 'narrowcast') => [
    bus[pattern]('all', { via: 'relay', strategy: 'random', retention: { messages: 5 } }),
    bus[pattern]('all', { publish: { retry: 'always' } }),
    bus[pattern]('all').subscribe(() => undefined, { group: 'mail', holdMax: 5 }),
    bus[pattern]('all').subscribe(() => undefined),
    bus[pattern]('all').deliveries(),
  ])
  expectTypeOf<Bus<typeof fileContracts>>().toExtend<Bus>()
  expectTypeOf<Channel<string, string, typeof queue, 'queue'>>().toExtend<Channel<string>>()
  expectTypeOf<Channel<string, string, typeof stream, 'stream'>>().toExtend<Channel<string>>()
})

test('a literal URL is typed as its driver, any other as all of them', () => {
  compiled(async (url: string) => {
    const file = await connect('file:./store')
    expectTypeOf(file.queue('orders').publish).returns.resolves.toEqualTypeOf<Receipt>()
    // @ts-expect-error
    file.broadcast('rooms', { attempts: 3 })
    const store = await connect(`file:${url}`)
    // @ts-expect-error
    store.narrowcast('rooms', { dedupe: { on: 'publish' } })
    const any = await connect(url)
    any.broadcast('rooms', { attempts: 3 }) // known when it is opened
    await any.relay('rooms')
    expectTypeOf(any).toEqualTypeOf<Bus>()
  })
})

test('a driver that is imported brings its contract along', () => {
  compiled(async () => {
    const bus = await connect(memory())
    // @ts-expect-error
    bus.broadcast('rooms', { order: 'key' })
    bus.queue('orders', { order: 'key' })
  })
})

test('a bus of one driver serves where any bus is asked for', () => {
  const takesAny = (bus: Bus) => bus.queue('orders')
  compiled(async () => [
    takesAny(await connect(memory())),
    takesAny(await connect('file:./store')),
    (modestOne: Modest) => {
      // @ts-expect-error: it has no broadcast
      takesAny(modestOne)
    },
  ])
  expectTypeOf<Driver<typeof modest>>().toExtend<Driver>()
  expectTypeOf<Channel<string, string, typeof broadcast>>().toExtend<Channel<string>>()
})

test('the codec and the schema decide what goes in and what comes out', () => {
  compiled((bus: Bus) => {
    const bytes = bus.queue('images', { codec: 'bytes' })
    expectTypeOf(bytes).toEqualTypeOf<Channel<Uint8Array, Uint8Array, Contract>>()
    // @ts-expect-error
    bytes.publish('text')
    const orders = bus.queue<{ count: number }>('orders')
    // @ts-expect-error
    orders.publish({ count: 'many' })
    expectTypeOf(orders.deliveries()).toEqualTypeOf<Deliveries<{ count: number }>>()
    const handled = orders.subscribe(({ count }) => void count.toFixed())
    expectTypeOf(handled).toEqualTypeOf<Subscription>()
  })
})
