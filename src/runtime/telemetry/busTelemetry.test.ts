import { expect, test } from 'vitest'
import type { Driver } from '../../core/driver.ts'
import { memory } from '../../drivers/memory/index.ts'
import { createBus } from '../bus.ts'
import type { TelemetryView } from './view.ts'

async function eventually<T>(
  look: () => T | undefined | null | false | Promise<T | false>,
): Promise<T> {
  for (;;) {
    const found = await look()
    if (found) return found
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

const telling = (driver: Driver, more: object = {}) =>
  createBus(driver, { telemetry: true, ...more })

const workerOf = (view: TelemetryView, channel: string) =>
  view.workers.find((one) => one.channel === channel)

test('what a process has come to is heard by another one, and nothing of its messages', async () => {
  const driver = memory()
  await using looking = await createBus(driver)
  const view = await looking.telemetry.watch()
  await using bus = await telling(driver)
  const dayMs = 86_400_000 // the pause is any part of it, and must not end while this looks
  const orders = bus.queue<string>('orders', {
    backoff: { delayMsMin: dayMs, delayMsMax: dayMs },
  })
  orders.subscribe((what) => {
    if (what === 'secret 3') throw new Error('no')
  })
  for (let n = 0; n < 5; n++) await orders.publish(`secret ${n}`)
  const worker = await eventually(() => {
    const one = workerOf(view, 'orders')
    return one?.acked === 4 && one.retried === 1 && one
  })
  expect(worker).toMatchObject({ retried: 1, errors: 1, pid: process.pid, ready: true })
  expect(worker.latency.count).toBe(5)
  expect(view.publishers).toMatchObject([{ channel: 'orders', published: 5, failed: 0 }])
  expect(JSON.stringify(view.processes)).not.toContain('secret')
  expect(view.workers.map(({ channel }) => channel)).toEqual(['orders'])
})

test('live subscriptions and sections of parts are told too', async () => {
  const driver = memory()
  await using looking = await createBus(driver)
  const view = await looking.telemetry.watch()
  await using bus = await telling(driver)
  bus.telemetry.add(() => ({ tables: [{ table: 'games', rows: 7 }] }))
  const rooms = bus.broadcast<string>('rooms')
  await rooms.subscribe(() => undefined).ready()
  await rooms.publish('x')
  expect(await eventually(() => workerOf(view, 'rooms')?.acked === 1)).toBe(true)
  expect(view.processes[0]?.frame.tables).toEqual([{ table: 'games', rows: 7 }])
})

test('a bus that closes tells the last of it first', async () => {
  const driver = memory()
  await using looking = await createBus(driver)
  const view = await looking.telemetry.watch()
  const bus = await telling(driver)
  await bus.queue('orders').publish('x')
  await bus.close()
  await eventually(() => view.publishers.some(({ published }) => published === 1))
})

test('who tells nothing is not heard, and leaves no channel behind', async () => {
  const driver = memory()
  await using bus = await createBus(driver)
  await bus.queue('orders').publish('x')
  expect(bus.telemetry.add(() => ({}))).toBeTypeOf('function')
  const query = { cursor: null, limit: 10, newestFirst: false, prefix: '' }
  expect((await bus.admin.channels(query)).items.map(({ name }) => name)).toEqual(['orders'])
})

test('channels of our own are shown to who asks for them', async () => {
  await using bus = await createBus(memory())
  await bus.telemetry.watch()
  const names = async (prefix: string) => {
    const query = { cursor: null, limit: 10, newestFirst: false, prefix }
    return (await bus.admin.channels(query)).items.map(({ name }) => name)
  }
  expect(await names('')).toEqual([])
  expect(await names('narrowcast')).toEqual(['narrowcast.telemetry'])
  expect(() => bus.queue('narrowcast.telemetry')).toThrow('another name for a queue')
})

test('without broadcast there is nothing to hear, and nobody fails for it', async () => {
  const { queue } = memory().contracts
  const driver = { ...memory(), contracts: { queue } }
  await using bus = await telling(driver)
  await expect(bus.telemetry.watch()).rejects.toMatchObject({ code: 'UNSUPPORTED' })
  await bus.queue('orders').publish('x')
})

test('the least busy worker is known by what it tells', async () => {
  const driver = memory()
  await using bus = await telling(driver)
  const held = Promise.withResolvers<void>()
  const rooms = bus.narrowcast<number>('rooms')
  await rooms.subscribe(() => held.promise, { concurrency: 10 }).ready()
  const all = (count: number) => Array.from({ length: count }, (_, data) => ({ data }))
  await rooms.publishMany(all(10))
  const got: number[] = []
  await rooms.subscribe((n) => void got.push(n)).ready()
  // Whoever has asked who is there may not see who has come since: this one has not asked yet.
  await using other = await telling(driver)
  const view = await other.telemetry.watch()
  await eventually(() => view.workers.some((one) => one.in_flight_count === 10))
  const leastBusy = other.narrowcast<number>('rooms', { strategy: 'leastBusy' })
  expect(await leastBusy.publishMany(all(5))).toMatchObject(all(5).map(() => ({ receivers: 1 })))
  await eventually(() => got.length === 5)
  held.resolve()
})

test('a worker ends when the control channel says so, where it obeys', async () => {
  const driver = memory()
  await using bus = await createBus(driver)
  await using obeying = await createBus(driver, { control: true })
  const drained = obeying.queue('orders').subscribe(() => undefined)
  const other = obeying.queue('orders').subscribe(() => undefined)
  const deaf = bus.queue('orders').subscribe(() => undefined)
  await Promise.all([drained.ready(), other.ready(), deaf.ready()])
  const control = bus.broadcast('narrowcast.control')
  await eventually(async () => (await control.publish('?')).receivers === 1)
  for (const { worker } of [deaf, drained]) {
    await control.publish({ v: 1, type: 'control', verb: 'drain', worker: worker.id })
  }
  await eventually(() => !drained.isReady)
  expect([other.isReady, deaf.isReady]).toEqual([true, true])
})

test('two buses of one process are both heard', async () => {
  const driver = memory()
  await using looking = await createBus(driver)
  const view = await looking.telemetry.watch()
  await using one = await telling(driver)
  await using other = await telling(driver)
  one.queue('a').subscribe(() => undefined)
  other.queue('b').subscribe(() => undefined)
  await eventually(() => view.workers.length === 2)
  expect(view.workers.map(({ channel }) => channel).sort()).toEqual(['a', 'b'])
})

test('who is told to stop does not wait for who is told to drain', async () => {
  const driver = memory()
  await using bus = await createBus(driver)
  await using obeying = await createBus(driver, { control: true })
  const began = Promise.withResolvers<void>()
  const aborted = Promise.withResolvers<void>()
  const worker = obeying.queue('orders').subscribe(async (_, { signal }) => {
    began.resolve()
    signal.addEventListener('abort', () => aborted.resolve())
    await aborted.promise
  })
  await bus.queue('orders').publish('x')
  await began.promise
  const control = bus.broadcast('narrowcast.control')
  await eventually(async () => (await control.publish('?')).receivers === 1)
  for (const verb of ['drain', 'stop']) {
    await control.publish({ v: 1, type: 'control', verb, worker: worker.worker.id })
  }
  await aborted.promise
})

test('a bus that is closed hears and tells nothing more', async () => {
  const driver = memory()
  const bus = await telling(driver)
  let asked = 0
  bus.telemetry.add(() => ({ asked: ++asked }))
  await bus.close()
  const before = asked
  await expect(bus.telemetry.watch()).rejects.toMatchObject({ code: 'CLOSED' })
  await new Promise((resolve) => setTimeout(resolve, 1_200))
  expect(asked).toBe(before)
})

test('channels of our own are no part of its health', async () => {
  await using bus = await createBus(memory(), { control: true })
  await bus.telemetry.watch()
  expect(bus.health()).toMatchObject({ isReady: true, subscriptions: [] })
})

test('what takes many frames arrives whole', async () => {
  const driver = memory()
  await using looking = await createBus(driver)
  const view = await looking.telemetry.watch()
  await using bus = await telling(driver)
  const names = Array.from({ length: 900 }, (_, n) => `${n}-`.padEnd(150, 'x'))
  await Promise.all(names.map((name) => bus.queue(name).publish('x')))
  await eventually(() => view.publishers.length === names.length)
  expect(view.processes.length).toBeGreaterThan(10)
  expect(view.omitted).toBe(0)
})

test('without broadcast nobody is told what workers have in hand: leastBusy is refused', async () => {
  const { narrowcast } = memory().contracts
  const driver = { ...memory(), contracts: { narrowcast } }
  await using bus = await telling(driver)
  const rooms = bus.narrowcast('rooms', { strategy: 'leastBusy' })
  await expect(rooms.opened()).rejects.toMatchObject({ code: 'UNSUPPORTED' })
})
