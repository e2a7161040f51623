import { expect, test } from 'vitest'
import { depth, heard, onSource, open } from '../../test/workerScene.ts'
import { dead, retry } from '../core/verdict.ts'
import { memory } from '../drivers/memory/index.ts'
import { virtualClock } from '../testing/virtualClock.ts'
import type { Received } from './api.ts'
import { createBus } from './bus.ts'

test('a handler past runMsMax is aborted, has failed, and is tried again', async () => {
  const { clock, bus, orders } = await open({ attempts: 2 })
  const worker = orders.subscribe(
    (_, { signal }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    { runMsMax: 1_000, abortMs: 500 },
  )
  const buried = heard(worker, 'dead')
  const errors = heard(worker, 'error')
  await orders.publish('slow')
  await clock.advance(5_000)
  expect(errors.map(({ error }) => error.code)).toEqual(['TIMEOUT', 'TIMEOUT'])
  expect(buried).toMatchObject([{ letter: { cause: 'failures', failures: 2 } }])
  await clock.runUntil(bus.close())
})

test('one that does not end is given up: told as stuck, its slot lost, its message tried again', async () => {
  const { clock, bus, orders } = await open({ attempts: 5 })
  const end = Promise.withResolvers<void>()
  let calls = 0
  const worker = orders.subscribe(() => (++calls === 1 ? end.promise : undefined), {
    concurrency: 2,
    runMsMax: 1_000,
    abortMs: 500,
  })
  const stuck = heard(worker, 'stuck')
  const errors = heard(worker, 'error')
  await orders.publish('hangs')
  await clock.advance(5_000)
  expect(stuck).toMatchObject([{ runMs: 1_500, slotsLeft: 1 }])
  expect(errors).toMatchObject([{ error: { code: 'STUCK' } }])
  expect(calls).toBe(2)
  expect(await depth(bus)).toMatchObject({ waiting: 0, inFlight: 0, dead: 0 })
  end.resolve()
  await clock.settle()
  expect(worker.isReady).toBe(true)
  await clock.runUntil(bus.close())
})

test('with every slot lost the worker is not ready, and is again when the handler ends', async () => {
  const { clock, bus, orders } = await open()
  const end = Promise.withResolvers<void>()
  const worker = orders.subscribe(() => end.promise, { runMsMax: 100, abortMs: 100 })
  const ready = heard(worker, 'ready')
  const errors = heard(worker, 'error')
  await orders.publish('hangs')
  await clock.advance(1_000)
  expect(errors).toMatchObject([{ error: { code: 'STUCK' } }])
  expect(worker.isReady).toBe(false)
  expect(ready.at(-1)).toMatchObject({ isReady: false })
  end.resolve()
  await clock.settle()
  expect(worker.isReady).toBe(true)
  await clock.runUntil(bus.close())
})

test('drain lets handlers end; what it aborts at the deadline is given back uncharged', async () => {
  const { clock, bus, orders } = await open()
  const good = Promise.withResolvers<void>()
  const worker = orders.subscribe(
    (data, { signal }) =>
      data === 'good'
        ? good.promise
        : new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    { concurrency: 2 },
  )
  await orders.publish('good')
  await orders.publish('slow')
  await clock.settle()
  await orders.publish('never taken')
  const drained = worker.drain({ timeoutMs: 3_000 })
  await clock.settle()
  good.resolve()
  expect(await clock.runUntil(drained)).toEqual({ settled: 1, released: 1, abandoned: 0 })
  const again: Received<string>[] = []
  const second = orders.subscribe((_, delivery) => void again.push(delivery), { concurrency: 5 })
  await clock.settle(10)
  expect(again.map(({ data, attempt, crashes }) => ({ data, attempt, crashes }))).toEqual([
    { data: 'slow', attempt: 1, crashes: 0 },
    { data: 'never taken', attempt: 1, crashes: 0 },
  ])
  await clock.runUntil(second.drain())
  await clock.runUntil(bus.close())
})

test('a handler that ignores the abort is abandoned and counted, and drain ends all the same', async () => {
  const { clock, bus, orders } = await open()
  const worker = orders.subscribe(() => new Promise(() => undefined))
  await orders.publish('deaf')
  await clock.settle()
  const drained = await clock.runUntil(worker.drain({ timeoutMs: 1_000 }), 10_000)
  expect(drained).toEqual({ settled: 0, released: 0, abandoned: 1 })
  await clock.runUntil(bus.close())
})

test('a schema that never answers has failed after runMsMax, and the worker goes on', async () => {
  const never = new Promise<never>(() => undefined)
  const { clock, bus, orders, publishAs } = await open({
    attempts: 1,
    schema: {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (value) => (value === 'hangs' ? never : { value: value as string }),
      },
    },
  })
  for (const data of ['hangs', 'good']) await publishAs(data)
  const seen: string[] = []
  const worker = orders.subscribe((data) => void seen.push(data), { runMsMax: 1_000 })
  const errors = heard(worker, 'error')
  await clock.advance(2_000)
  expect(errors.map(({ error }) => error.code)).toEqual(['TIMEOUT'])
  expect(seen).toEqual(['good'])
  expect(await depth(bus)).toMatchObject({ dead: 1, out: 1 })
  await clock.runUntil(bus.close())
})

test('a batch takes one verdict per message, waits for its size no longer than it may', async () => {
  const { clock, bus, orders } = await open({ attempts: 2 })
  const sizes: number[] = []
  const worker = orders.subscribe(
    (batch) => {
      sizes.push(batch.length)
      return batch.map(({ data }) => {
        if (data === 'bad') return dead('bad')
        return data === 'again' ? retry({ delayMs: 50 }) : undefined
      })
    },
    { batch: { size: 3, waitMsMax: 200 } },
  )
  const buried = heard(worker, 'dead')
  for (const data of ['good', 'bad', 'again', 'good']) await orders.publish(data)
  await clock.settle(10)
  expect(sizes).toEqual([3])
  await clock.advance(1_000)
  expect(sizes.reduce((sum, size) => sum + size)).toBe(5)
  expect(buried.map(({ letter }) => letter.cause).sort()).toEqual(['failures', 'verdict'])
  expect(await depth(bus)).toMatchObject({ waiting: 0, inFlight: 0, scheduled: 0, dead: 2, out: 2 })
  await clock.runUntil(bus.close())
})

test('a batch handler that answers for too few fails the whole batch, told as such', async () => {
  const { clock, bus, orders } = await open({ attempts: 1 })
  const worker = orders.subscribe(() => [], { batch: { size: 2, waitMsMax: 0 } })
  const errors = heard(worker, 'error')
  await orders.publish('a')
  await clock.settle(10)
  expect(errors[0]?.error.message).toContain('was given 1 messages and returned 0 verdicts')
  await clock.runUntil(bus.close())
})

test('middleware surrounds the handler, the first outermost, and may answer itself', async () => {
  const { clock, bus, orders } = await open()
  const steps: string[] = []
  orders.subscribe((data) => void steps.push(data), {
    middleware: [
      async (one, next) => {
        steps.push('outer')
        return one.data === 'skip' ? undefined : next()
      },
      async (_, next) => {
        steps.push('inner')
        return next()
      },
    ],
  })
  await orders.publish('work')
  await orders.publish('skip')
  await clock.settle(20)
  expect(steps).toEqual(['outer', 'inner', 'work', 'outer'])
  await clock.runUntil(bus.close())
})

const ring: { self?: unknown } = {}
ring.self = ring

test.each([
  { kind: 'done' },
  { kind: 'retry', delayMs: Number.NaN },
  { kind: 'retry', delayMs: Number.POSITIVE_INFINITY },
  { kind: 'dead', reason: 1n },
  ring,
  false,
  null,
  0,
])('what a handler returns that is no verdict is a failure, never an ack: %o', async (answer) => {
  const { clock, bus, orders } = await open({ attempts: 1 })
  const worker = orders.subscribe(() => answer as unknown as undefined)
  const buried = heard(worker, 'dead')
  const errors = heard(worker, 'error')
  await orders.publish('x')
  await clock.settle(10)
  expect(buried[0]?.letter.reason).toContain('is not a verdict')
  expect(errors).toMatchObject([{ error: { code: 'HANDLER_FAILED' } }])
  await clock.runUntil(bus.close())
})

test('a handler may throw anything, also what has no text', async () => {
  const { clock, bus, orders } = await open({ attempts: 1 })
  const worker = orders.subscribe(() => {
    throw Object.create(null)
  })
  const buried = heard(worker, 'dead')
  const errors = heard(worker, 'error')
  await orders.publish('x')
  await clock.settle(10)
  expect(buried).toHaveLength(1)
  expect(errors).toMatchObject([{ error: { code: 'HANDLER_FAILED' } }])
  await clock.runUntil(bus.close())
})

test('a drain ends in time behind a schema that never answers, and begins nothing new', async () => {
  const never = new Promise<never>(() => undefined)
  const { clock, bus, orders, publishAs } = await open({
    schema: { '~standard': { version: 1, vendor: 'test', validate: () => never } },
  })
  const begun: string[] = []
  await publishAs('x')
  const worker = orders.subscribe((data) => void begun.push(data))
  await clock.settle(10)
  const drained = await clock.runUntil(worker.drain({ timeoutMs: 500 }), 5_000)
  expect(drained).toEqual({ settled: 0, released: 0, abandoned: 0 })
  expect(begun).toEqual([])
  expect(await depth(bus)).toMatchObject({ waiting: 1, inFlight: 0 })
  await clock.runUntil(bus.close())
})

test('closing the bus shortens a drain that was given longer', async () => {
  const { clock, bus, orders } = await open()
  const worker = orders.subscribe(() => new Promise(() => undefined))
  await orders.publish('x')
  await clock.settle(10)
  const drained = worker.drain({ timeoutMs: 3_600_000 })
  await clock.runUntil(bus.close({ timeoutMs: 100 }), 10_000)
  expect(await drained).toMatchObject({ abandoned: 1 })
})

test('holdBytesMax holds: at most one message goes beyond its bytes', async () => {
  const { clock, bus, orders } = await open()
  let running = 0
  const end = Promise.withResolvers<void>()
  orders.subscribe(
    () => {
      running++
      return end.promise
    },
    { concurrency: 50, holdBytesMax: 2_000 },
  )
  await orders.publishMany(Array.from({ length: 10 }, () => ({ data: 'x'.repeat(900) })))
  await clock.settle(30)
  expect(running).toBe(3)
  end.resolve()
  await clock.settle(60)
  expect(running).toBe(10)
  await clock.runUntil(bus.close())
})

test('what is not a function is refused before it can bury a queue', async () => {
  const { bus, orders } = await open()
  expect(() => orders.subscribe(undefined as unknown as () => void)).toThrow('handler')
  expect(() => orders.subscribe(() => undefined, { middleware: [7 as never] })).toThrow(
    'middleware',
  )
  await bus.close()
})

test('leaving the loop gives back what it had not seen', async () => {
  const { clock, bus, orders } = await open()
  for (const data of ['a', 'b', 'c']) await orders.publish(data)
  const deliveries = orders.deliveries({ holdMax: 10 })
  await deliveries.ready()
  for await (const delivery of deliveries) {
    await delivery.settle({ kind: 'ack' })
    break
  }
  expect(await depth(bus)).toMatchObject({ waiting: 2, inFlight: 0, out: 1 })
  await clock.runUntil(bus.close())
})

test('a wrong verdict to settle() is refused, and the right one may follow', async () => {
  const { clock, bus, orders } = await open()
  await orders.publish('a')
  const deliveries = orders.deliveries()
  for await (const delivery of deliveries) {
    const wrong = { kind: 'retry', delayMs: -5 } as const
    await expect(delivery.settle(wrong)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    expect(await delivery.settle({ kind: 'ack' })).toBe('settled')
    break
  }
  await clock.runUntil(bus.close())
})

test('a listener that throws is told as an error and harms nobody', async () => {
  const { clock, bus, orders } = await open()
  const worker = orders.subscribe(() => undefined)
  worker.on('settled', () => {
    throw new Error('mine')
  })
  const errors = heard(worker, 'error')
  await orders.publish('x')
  await clock.settle(10)
  expect(errors[0]?.error.message).toBe('a listener of "settled" threw: mine')
  expect(await depth(bus)).toMatchObject({ out: 1 })
  await clock.runUntil(bus.close())
})

test.for([false, true])(
  'what is lost while its schema thinks is given to no handler (batch: %s)',
  async (isBatch) => {
    const clock = virtualClock()
    const store = memory({ clock })
    let lose = () => {}
    const driver = onSource(store, (_source, _spec, events) => {
      lose = () => events.lost('all', 'revoked')
    })
    const bus = await createBus(driver, { clock, seed: 1 })
    const thinking = Promise.withResolvers<void>()
    const validate = async (value: unknown) => {
      await thinking.promise
      return { value: value as string }
    }
    const asked = bus.queue<string>('orders', {
      schema: { '~standard': { version: 1, vendor: 'test', validate } },
    })
    const seen: unknown[] = []
    const handler = (data: unknown) => void seen.push(data)
    const worker = isBatch
      ? asked.subscribe(handler, { batch: { size: 2, waitMsMax: 10 } })
      : asked.subscribe(handler)
    const lost = heard(worker, 'lost')
    await using other = await createBus(store, { clock, seed: 2 })
    await other.queue<string>('orders').publish('gone')
    await clock.advance(100)
    lose()
    thinking.resolve()
    await clock.advance(100)
    expect(lost).toHaveLength(1)
    expect(seen).toEqual([])
    await clock.runUntil(bus.close())
  },
)
