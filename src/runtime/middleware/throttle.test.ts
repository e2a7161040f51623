import { expect, expectTypeOf, test, vi } from 'vitest'
import { heard, open } from '../../../test/workerScene.ts'
import type { Middleware } from '../handlerRun.ts'
import { throttle } from './throttle.ts'

const texts = (count: number) => Array.from({ length: count }, (_, n) => ({ data: `${n}` }))

test('handlers begin at the rate after the first burst, in the order in which they came', async () => {
  const { clock, bus, orders } = await open()
  const begun: [string, number][] = []
  orders.subscribe((data) => void begun.push([data, clock.monotonicMs()]), {
    concurrency: 10,
    middleware: [throttle({ perSecond: 2, burst: 3 })],
  })
  await orders.publishMany(texts(6))
  await clock.advance(10_000)
  expect(begun).toEqual([
    ['0', 0],
    ['1', 0],
    ['2', 0],
    ['3', 500],
    ['4', 1_000],
    ['5', 1_500],
  ])
  begun.length = 0
  await orders.publishMany(texts(4)) // a pause fills no more than the burst
  await clock.advance(10_000)
  expect(begun.map(([, ms]) => ms - 10_000)).toEqual([0, 0, 0, 500])
  await clock.runUntil(bus.close())
})

test('the rate holds in any span, and is reached: 1,000 messages at 300 a second', async () => {
  const { clock, bus, orders } = await open()
  const begunMs: number[] = []
  orders.subscribe(() => void begunMs.push(clock.monotonicMs()), {
    concurrency: 1_000,
    middleware: [throttle({ perSecond: 300, burst: 10 })],
  })
  await orders.publishMany(texts(1_000))
  await clock.advance(3_400)
  expect(begunMs).toHaveLength(1_000)
  for (const [n, fromMs] of begunMs.entries()) {
    const within = begunMs.slice(n).filter((ms) => ms < fromMs + 1_000).length
    expect(within).toBeLessThanOrEqual(310)
  }
  expect(begunMs.at(-1)).toBeLessThanOrEqual(3_310)
  await clock.runUntil(bus.close())
})

test('who waits sleeps until its turn: nothing looks again and again', async () => {
  const { clock, bus, orders } = await open({ leaseMs: 86_400_000 })
  const begunMs: number[] = []
  orders.subscribe(() => void begunMs.push(clock.monotonicMs()), {
    concurrency: 100,
    middleware: [throttle({ perSecond: 0.1 })],
  })
  await orders.publishMany(texts(100))
  await clock.settle(20)
  const sleep = vi.spyOn(clock, 'sleep')
  await clock.advance(9_999)
  expect(sleep.mock.calls.length).toBeLessThan(5) // the worker's own
  await clock.advance(1)
  expect(begunMs).toEqual([0, 10_000])
  await clock.runUntil(bus.close())
})

test('a drain ends the waiting at once: nothing is charged, and all of it is still there', async () => {
  const { clock, bus, orders } = await open({ attempts: 1 })
  const seen: string[] = []
  const worker = orders.subscribe((data) => void seen.push(data), {
    concurrency: 10,
    middleware: [throttle({ perSecond: 1 })],
  })
  const errors = heard(worker, 'error')
  await orders.publishMany(texts(10))
  await clock.settle(20)
  expect(seen).toEqual(['0'])
  expect(await clock.runUntil(worker.drain())).toEqual({ settled: 0, released: 9, abandoned: 0 })
  expect({ errors, ms: clock.monotonicMs() }).toEqual({ errors: [], ms: 0 })
  orders.subscribe((data) => void seen.push(data))
  await clock.settle(100)
  expect(seen.toSorted()).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
  await clock.runUntil(bus.close())
})

test('subscriptions that share it share the rate', async () => {
  const { clock, bus, orders } = await open()
  const begunMs: number[] = []
  const shared = throttle({ perSecond: 1 })
  const others = bus.queue<string>('others')
  for (const one of [orders, others]) {
    one.subscribe(() => void begunMs.push(clock.monotonicMs()), { middleware: [shared] })
  }
  await Promise.all([orders.publishMany(texts(2)), others.publishMany(texts(2))])
  await clock.advance(5_000)
  expect(begunMs).toEqual([0, 1_000, 2_000, 3_000])
  await clock.runUntil(bus.close())
})

test('nobody overtakes who waits, though its token is there before it has woken', async () => {
  const { clock, bus, orders } = await open()
  const begun: string[] = []
  orders.subscribe((data) => void begun.push(data), {
    concurrency: 3,
    middleware: [throttle({ perSecond: 3, burst: 1 })],
  })
  await orders.publishMany(texts(2))
  await clock.advance(333.5) // the token came at 333.33, the timer ends at 334
  await orders.publish('late')
  await clock.settle(10)
  expect(begun).toEqual(['0'])
  await clock.advance(1_000)
  expect(begun).toEqual(['0', '1', 'late'])
  await clock.runUntil(bus.close())
})

test('wrong options are refused by name, and it composes with the layers of any payload', () => {
  for (const perSecond of [0, -1, Number.NaN, 1_000_001, undefined]) {
    const options = { perSecond: perSecond as number }
    expect(() => throttle(options)).toThrow('option throttle.perSecond')
  }
  expect(() => throttle({ perSecond: 1, burst: 0 })).toThrow('option throttle.burst')
  expect(() => throttle({ perSecond: 1, rate: 2 } as never)).toThrow('unknown option rate')
  expectTypeOf(throttle({ perSecond: 1 })).toExtend<Middleware<{ id: number }>>()
})
