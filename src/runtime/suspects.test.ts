import { expect, test } from 'vitest'
import { channel, depth, heard, onSource, openDying } from '../../test/workerScene.ts'
import { memory } from '../drivers/memory/index.ts'
import { virtualClock } from '../testing/virtualClock.ts'
import { createBus } from './bus.ts'

test('a suspect waits for what another channel of the bus runs, and meanwhile nothing starts', async () => {
  const clock = virtualClock()
  const store = memory({ clock })
  const dying = await openDying(clock, store)
  const bus = await createBus(store, { clock, seed: 1 })
  const wish = { leaseMs: 1_000 }
  const orders = bus.queue<string>('orders', wish)
  const long = Promise.withResolvers<void>()
  const steps: string[] = []
  bus.queue<string>('others').subscribe(
    async (data) => {
      steps.push(data)
      if (data === 'long') await long.promise
    },
    { concurrency: 2 },
  )
  await bus.queue<string>('others').publish('long')
  dying.bus.queue<string>('orders', wish).subscribe(() => dying.process.kill())
  await orders.publish('suspect')
  await clock.advance(3_000)
  const worker = orders.subscribe((data) => void steps.push(data))
  const lost = heard(worker, 'lost')
  await clock.advance(10_000) // many leases
  await bus.queue<string>('others').publish('short')
  await clock.settle(10)
  expect(steps).toEqual(['long'])
  expect(await depth(bus)).toMatchObject({ inFlight: 1 })
  long.resolve()
  await clock.settle(10)
  expect(steps).toEqual(['long', 'suspect', 'short'])
  expect(lost).toEqual([])
  await clock.runUntil(bus.close())
})

test('drained while it waits to be alone, a suspect is given back uncharged, and others go on', async () => {
  const clock = virtualClock()
  const store = memory({ clock })
  const dying = await openDying(clock, store)
  const bus = await createBus(store, { clock, seed: 1 })
  const wish = { leaseMs: 1_000 }
  const orders = bus.queue<string>('orders', wish)
  const others = bus.queue<string>('others')
  const seen: string[] = []
  others.subscribe(
    (data) => {
      seen.push(data)
      return data === 'long' ? new Promise<void>(() => undefined) : undefined
    },
    { concurrency: 2 },
  )
  await others.publish('long')
  dying.bus.queue<string>('orders', wish).subscribe(() => dying.process.kill())
  await orders.publish('suspect')
  await clock.advance(3_000)
  const worker = orders.subscribe((data) => void seen.push(data))
  await clock.settle(10)
  await others.publish('short')
  await clock.settle(10)
  expect(await clock.runUntil(worker.drain())).toMatchObject({ released: 1, abandoned: 0 })
  await clock.settle(10)
  expect(seen).toEqual(['long', 'short'])
  const query = { cursor: null, limit: 10, newestFirst: false, from: 'first' } as const
  const { items } = await bus.admin.peek(channel, query)
  expect(items).toMatchObject([{ state: 'waiting', crashes: 1 }])
  await clock.runUntil(bus.close({ timeoutMs: 100 }), 10_000)
})

test('a stuck handler does not keep a suspect waiting for ever, and the suspect is not charged for it', async () => {
  const clock = virtualClock()
  const store = memory({ clock })
  const wish = { leaseMs: 1_000, deliveriesMax: 2 }
  const seen: unknown[] = []
  const codes: string[] = []
  const kill = async (withStuck: boolean) => {
    const { process, bus } = await openDying(clock, store)
    if (withStuck) {
      const hung = bus
        .queue<string>('others')
        .subscribe(() => new Promise(() => undefined), { runMsMax: 100, abortMs: 100 })
      hung.on('error', ({ error }) => codes.push(error.code))
      await clock.runUntil(bus.queue<string>('others').publish('hangs'))
      await clock.advance(50)
    }
    bus.queue<string>('orders', wish).subscribe((_, { crashes }) => {
      seen.push(crashes)
      process.kill()
    })
    await clock.advance(5_000)
  }
  const bus = await createBus(store, { clock, seed: 1 })
  await bus.queue<string>('orders', wish).publish('killer')
  await kill(false)
  await kill(true)
  await kill(true)
  await kill(false)
  expect(seen).toEqual([0, 1, 1, 1])
  expect(codes).toContain('STUCK')
  const worker = bus.queue<string>('orders', wish).subscribe(() => undefined)
  const buried = heard(worker, 'dead')
  await clock.advance(5_000)
  expect(buried).toMatchObject([{ letter: { cause: 'crashes', crashes: 2 } }])
  await clock.runUntil(bus.close())
})

test('drained while it is being marked, a message is back before a suspect begins beside it', async () => {
  const clock = virtualClock()
  const store = memory({ clock })
  const marking = Promise.withResolvers<void>()
  const releasing = Promise.withResolvers<void>()
  const driver = onSource(store, (source, spec) => {
    if (spec.name !== 'slow') return
    const renew = source.renew.bind(source)
    const settle = source.settle.bind(source)
    source.renew = async (begun, signal) => {
      if (begun) await marking.promise
      return renew(begun, signal)
    }
    source.settle = async (batch, signal) => {
      await releasing.promise
      return settle(batch, signal)
    }
  })
  const dying = await openDying(clock, store)
  const bus = await createBus(driver, { clock, seed: 1 })
  const seen: string[] = []
  dying.bus.queue<string>('orders', { leaseMs: 1_000 }).subscribe(() => dying.process.kill())
  await bus.queue<string>('orders', { leaseMs: 1_000 }).publish('suspect')
  await clock.advance(3_000)
  await bus.queue<string>('slow').publish('marked')
  const batch = { size: 1, waitMsMax: 0 } // what a batch takes is marked after the take
  const worker = bus
    .queue<string>('slow')
    .subscribe(async ([one]) => void seen.push(one?.data as string), { batch })
  await clock.settle(10)
  bus.queue<string>('orders').subscribe((data) => void seen.push(data))
  await clock.settle(10)
  const drained = worker.drain()
  marking.resolve()
  await clock.settle(10)
  expect(seen).toEqual([])
  releasing.resolve()
  expect(await clock.runUntil(drained)).toMatchObject({ released: 1 })
  await clock.settle(10)
  expect(seen).toEqual(['suspect'])
  await clock.runUntil(bus.close())
})
