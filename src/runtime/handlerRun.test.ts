import { expect, test } from 'vitest'
import { channel, heard, open, openDying } from '../../test/workerScene.ts'
import { NarrowcastError } from '../core/errors.ts'
import { memory } from '../drivers/memory/index.ts'
import { virtualClock } from '../testing/virtualClock.ts'
import { createBus } from './bus.ts'
import type { HandlerRun, Middleware } from './handlerRun.ts'

/** Ends with its signal, and says so to nobody. */
const forEver = (signal: AbortSignal) =>
  new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))

const waits: Middleware<string> = async (_, next, run) => {
  await run.wait(forEver)
  return next()
}

test('a run knows its channel and has the clock of the bus', async () => {
  const { clock, bus } = await open()
  const runs: HandlerRun[] = []
  const keep: Middleware<string> = async (_, next, run) => {
    runs.push(run)
    return next()
  }
  const events = bus.stream<string>('events')
  events.subscribe(() => undefined, { group: 'mail', middleware: [keep] })
  await events.publish('x')
  await clock.settle(20)
  const facts = { name: 'events', pattern: 'stream', group: 'mail', driver: 'memory' }
  expect(runs).toMatchObject([{ channel: facts, isGivenBack: false }])
  expect(runs[0]?.clock).toBe(clock)
  await clock.runUntil(bus.close())
})

test('what waits for longer than half of runMsMax goes back to its place, at no cost', async () => {
  const { clock, bus, orders } = await open()
  const seen: string[] = []
  let isOpen = false
  const worker = orders.subscribe((data, { failures }) => void seen.push(`${data} ${failures}`), {
    runMsMax: 60_000,
    middleware: [(one, next, run) => (isOpen ? next() : waits(one, next, run))],
  })
  const settled = heard(worker, 'settled')
  const errors = heard(worker, 'error')
  await orders.publish('first')
  await orders.publish('second')
  await clock.advance(29_999)
  expect(settled).toEqual([])
  isOpen = true
  await clock.advance(1)
  await clock.settle(20)
  expect(settled.map(({ kind }) => kind)).toEqual(['release', 'ack', 'ack'])
  expect(seen).toEqual(['first 0', 'second 0'])
  expect(errors).toEqual([])
  await clock.runUntil(bus.close())
})

test('a drain ends a wait at once, and the message goes back uncharged', async () => {
  const { clock, bus, orders } = await open()
  const seen: string[] = []
  const worker = orders.subscribe((data) => void seen.push(data), { middleware: [waits] })
  const errors = heard(worker, 'error')
  await orders.publish('x')
  await clock.settle(10)
  const beforeMs = clock.monotonicMs()
  expect(await clock.runUntil(worker.drain())).toEqual({ settled: 0, released: 1, abandoned: 0 })
  expect(clock.monotonicMs()).toBe(beforeMs)
  const query = { cursor: null, limit: 10, newestFirst: false, from: 'first' } as const
  const { items } = await bus.admin.peek(channel, query)
  expect(items).toMatchObject([{ state: 'waiting', failures: 0, crashes: 0 }])
  expect({ seen, errors }).toEqual({ seen: [], errors: [] })
  await clock.runUntil(bus.close())
})

test('a layer that swallows the end of a wait acknowledges nothing', async () => {
  const { clock, bus, orders } = await open()
  const told: boolean[] = []
  const swallows: Middleware<string> = async (_, next, run) => {
    await next().catch(() => told.push(run.isGivenBack))
    return { kind: 'ack' }
  }
  const worker = orders.subscribe(() => undefined, { middleware: [swallows, waits] })
  await orders.publish('x')
  await clock.settle(10)
  expect(await clock.runUntil(worker.drain())).toMatchObject({ settled: 0, released: 1 })
  expect(told).toEqual([true])
  await clock.runUntil(bus.close())
})

test('what a wait itself throws is a failure', async () => {
  const { clock, bus, orders } = await open({ attempts: 1 })
  const broken: Middleware<string> = async (_, next, run) => {
    await run.wait(() => Promise.reject(new TypeError('no such place')))
    return next()
  }
  const worker = orders.subscribe(() => undefined, { middleware: [broken] })
  const buried = heard(worker, 'dead')
  await orders.publish('x')
  await clock.settle(20)
  expect(buried).toMatchObject([{ letter: { reason: 'TypeError: no such place' } }])
  await clock.runUntil(bus.close())
})

test('an abort fires the signal of the handler, and ends a wait with its reason', async () => {
  const { clock, bus, orders } = await open({ attempts: 1 })
  const reason = new NarrowcastError('TIMEOUT', 'too long')
  const aborts: Middleware<string> = async (_, next, run) => {
    const ended = next()
    run.abort(reason)
    return ended
  }
  const reasons: unknown[] = []
  const worker = orders.subscribe((_, { signal }) => void reasons.push(signal.reason), {
    middleware: [aborts, async (_, next) => Promise.resolve().then(next)],
  })
  await orders.publish('handled')
  await clock.settle(10)
  expect(reasons).toEqual([reason])
  await worker.drain()
  const second = orders.subscribe(() => undefined, { middleware: [aborts, waits] })
  const buried = heard(second, 'dead')
  await orders.publish('waits')
  await clock.settle(20)
  expect(buried).toMatchObject([{ letter: { cause: 'failures', error: { code: 'TIMEOUT' } } }])
  await clock.runUntil(bus.close())
})

test.each([
  { runMsMax: 60_000, waitMs: 1_000 },
  { runMsMax: 1_000, waitMs: 500 },
])(
  'a suspect that waits is given back soon, for a while: others of the bus run ($runMsMax)',
  async (time) => {
    const clock = virtualClock()
    const store = memory({ clock })
    const dying = await openDying(clock, store)
    const bus = await createBus(store, { clock, seed: 1 })
    const wish = { leaseMs: 1_000 }
    const orders = bus.queue<string>('orders', wish)
    const others = bus.queue<string>('others')
    const seen: string[] = []
    others.subscribe((data) => void seen.push(data))
    dying.bus.queue<string>('orders', wish).subscribe(() => dying.process.kill())
    await orders.publish('suspect')
    await clock.advance(3_000)
    const worker = orders.subscribe((data) => void seen.push(data), {
      runMsMax: time.runMsMax,
      middleware: [waits],
    })
    const settled = heard(worker, 'settled')
    await clock.settle(10)
    await others.publish('other')
    await clock.advance(time.waitMs - 1)
    expect(seen).toEqual([])
    await clock.advance(1)
    await clock.settle(10)
    expect(seen).toEqual(['other'])
    expect(settled).toMatchObject([{ kind: 'release', outcome: 'settled' }])
    await clock.advance(9_000)
    const query = { cursor: null, limit: 10, newestFirst: false, from: 'first' } as const
    const { items } = await bus.admin.peek(channel, query)
    expect(items).toMatchObject([{ state: 'scheduled', failures: 0, crashes: 1 }])
    await clock.runUntil(bus.close())
  },
)
