import { expect, test } from 'vitest'
import { dead, retry } from '../core/verdict.ts'
import { memory } from '../drivers/memory/index.ts'
import { virtualClock } from '../testing/virtualClock.ts'
import type { Bus, ChannelOptions, Received, SubscriptionEvents, Watched } from './api.ts'
import { createBus } from './bus.ts'

const fast = { backoff: { delayMsMin: 1, delayMsMax: 1 } }
const channel = { name: 'orders', pattern: 'queue' } as const

async function open(options: ChannelOptions<string> = {}) {
  const clock = virtualClock()
  const bus = await createBus(memory({ clock }), { clock, seed: 1 })
  const orders = bus.queue<string>('orders', { ...fast, ...options })
  return { clock, bus, orders }
}

/** Collects every event of one kind. */
function heard<E extends keyof SubscriptionEvents>(
  from: Watched,
  event: E,
): SubscriptionEvents[E][] {
  const all: SubscriptionEvents[E][] = []
  from.on(event, (what) => all.push(what))
  return all
}

const depth = async (bus: Bus) => (await bus.admin.depths([channel]))[0]

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
  await orders.publish('hangs')
  await clock.advance(5_000)
  expect(stuck).toMatchObject([{ runMs: 1_500, slotsLeft: 1 }])
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
  await orders.publish('hangs')
  await clock.advance(1_000)
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

test('what a handler returns that is no verdict is a failure, never an ack', async () => {
  const { clock, bus, orders } = await open({ attempts: 1 })
  const worker = orders.subscribe(() => ({ kind: 'done' }) as unknown as undefined)
  const buried = heard(worker, 'dead')
  await orders.publish('x')
  await clock.settle(10)
  expect(buried[0]?.letter.reason).toContain('returned {"kind":"done"}, not a verdict')
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
