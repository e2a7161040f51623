import { setImmediate } from 'node:timers/promises'
import { expect, expectTypeOf, test } from 'vitest'
import { heard, open } from '../../../test/workerScene.ts'
import type { Received } from '../api.ts'
import type { Middleware } from '../handlerRun.ts'
import { timeout } from './timeout.ts'

const untilAborted = ({ signal }: Received<unknown>) =>
  new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))

test('a handler past its time is aborted, and has failed by that, whatever it then says', async () => {
  const { clock, bus, orders } = await open({ attempts: 2, backoff: { delayMsMin: 0 } })
  const reasons: unknown[] = []
  const worker = orders.subscribe(
    async (_, delivery) => {
      await untilAborted(delivery)
      reasons.push(delivery.signal.reason)
      if (delivery.attempt === 2) throw new Error('the socket was closed')
      return { kind: 'ack' }
    },
    { middleware: [timeout({ ms: 5_000 })] },
  )
  const buried = heard(worker, 'dead')
  await orders.publish('x')
  await clock.advance(4_999)
  expect(reasons).toEqual([])
  await clock.advance(1)
  await clock.settle(20)
  expect(reasons).toMatchObject([{ code: 'TIMEOUT', channel: 'orders' }])
  expect(buried).toEqual([])
  await clock.advance(60_000)
  expect(buried).toMatchObject([
    { letter: { cause: 'failures', failures: 2, error: { code: 'TIMEOUT' } } },
  ])
  expect(buried[0]?.letter.reason).toContain('ran longer than its timeout, 5000 ms')
  await clock.runUntil(bus.close())
})

test('a handler that ignores its signal is waited for: its message is nowhere else meanwhile', async () => {
  const { clock, bus, orders } = await open()
  const long = Promise.withResolvers<void>()
  const attempts: number[] = []
  const worker = orders.subscribe(
    async (_, { attempt }) => {
      attempts.push(attempt)
      if (attempt === 1) await long.promise
    },
    { concurrency: 2, middleware: [timeout({ ms: 1_000 })] },
  )
  const errors = heard(worker, 'error')
  await orders.publish('x')
  await clock.advance(600_000)
  expect({ attempts, errors }).toEqual({ attempts: [1], errors: [] })
  long.resolve()
  await clock.advance(1_000)
  expect(attempts).toEqual([1, 2])
  expect(errors).toMatchObject([{ error: { code: 'TIMEOUT' } }])
  await clock.runUntil(bus.close())
})

test('runMsMax gives up what ignores its signal, and tells it as stuck', async () => {
  const { clock, bus, orders } = await open({ attempts: 1 })
  const long = Promise.withResolvers<void>()
  const worker = orders.subscribe(() => long.promise, {
    runMsMax: 10_000,
    abortMs: 1_000,
    middleware: [timeout({ ms: 1_000 })],
  })
  const stuck = heard(worker, 'stuck')
  const buried = heard(worker, 'dead')
  await orders.publish('x')
  await clock.advance(11_000)
  expect(stuck).toMatchObject([{ runMs: 11_000, slotsLeft: 0 }])
  expect(buried).toMatchObject([{ letter: { error: { code: 'STUCK' } } }])
  long.resolve()
  await clock.runUntil(bus.close())
})

test('in time: verdicts and errors pass as they are, and nobody sleeps on', async () => {
  const { clock, bus, orders } = await open({ attempts: 1 })
  const worker = orders.subscribe(
    async (data) => {
      await setImmediate()
      if (data === 'throws') throw new RangeError('too much')
      return { kind: 'dead', reason: data }
    },
    { middleware: [timeout({ ms: 1_000 })] },
  )
  const buried = heard(worker, 'dead')
  await orders.publish('throws')
  await orders.publish('said')
  await clock.settle(20)
  const sleepers = clock.sleepers
  expect(buried.map(({ letter }) => letter.reason)).toEqual(['RangeError: too much', 'said'])
  await orders.publish('again')
  await clock.settle(20)
  expect(clock.sleepers).toBe(sleepers)
  await clock.runUntil(bus.close())
})

test('a drain that ends the handler comes first: it is given back, not failed', async () => {
  const { clock, bus, orders } = await open()
  const worker = orders.subscribe(
    async (_, delivery) => {
      await untilAborted(delivery)
      throw delivery.signal.reason
    },
    { middleware: [timeout({ ms: 60_000 })] },
  )
  await orders.publish('x')
  await clock.settle(10)
  expect(await clock.runUntil(worker.drain())).toEqual({ settled: 0, released: 1, abandoned: 0 })
  await clock.runUntil(bus.close())
})

test('wrong options are refused by name, and it composes with the layers of any payload', () => {
  for (const ms of [0, -1, 1.5, Number.NaN, 86_400_001, undefined]) {
    expect(() => timeout({ ms: ms as number })).toThrow('option timeout.ms')
  }
  expect(() => timeout({ ms: 1, sec: 2 } as never)).toThrow('unknown option sec')
  expectTypeOf(timeout({ ms: 1 })).toExtend<Middleware<{ id: number }>>()
})
