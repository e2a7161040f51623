import { expect, test } from 'vitest'
import { heard } from '../../../test/workerScene.ts'
import { memory } from '../../drivers/memory/index.ts'
import { virtualClock } from '../../testing/virtualClock.ts'
import type { SubscribeOptions } from '../api.ts'
import { createBus } from '../bus.ts'
import { circuitBreaker } from './circuitBreaker.ts'
import { throttle } from './throttle.ts'

/** A broadcast, where a message that was handed out is done for the broker. */
async function scene(options: SubscribeOptions<string>) {
  const clock = virtualClock()
  const bus = await createBus(memory({ clock }), { clock, seed: 1 })
  const news = bus.broadcast<string>('news')
  const begun: string[] = []
  const worker = news.subscribe(
    (data) => {
      begun.push(data)
      if (data === 'throws') throw new Error('down')
    },
    { concurrency: 10, ...options },
  )
  const errors = heard(worker, 'error')
  await clock.runUntil(worker.ready())
  const publish = async (...all: string[]) => {
    await news.publishMany(all.map((data) => ({ data })))
    await clock.settle(20)
  }
  return { clock, bus, worker, begun, errors, publish }
}

test('on a live pattern a drain lets what waits go on: nothing could give it back', async () => {
  const { clock, bus, worker, begun, errors, publish } = await scene({
    middleware: [throttle({ perSecond: 1 })],
  })
  await publish('a', 'b', 'c')
  expect(begun).toEqual(['a'])
  const drained = await clock.runUntil(worker.drain({ timeoutMs: 5_000 }))
  expect(drained).toMatchObject({ settled: 2, released: 0, abandoned: 0 })
  expect({ begun, errors }).toEqual({ begun: ['a', 'b', 'c'], errors: [] })
  await clock.runUntil(bus.close())
})

test('what the deadline of the drain cuts off there is told as an error, each by its id', async () => {
  const { clock, bus, worker, begun, errors, publish } = await scene({
    middleware: [throttle({ perSecond: 1 })],
  })
  await publish('a', 'b', 'c', 'd')
  await clock.runUntil(worker.drain({ timeoutMs: 1_500 }))
  expect(begun).toEqual(['a', 'b'])
  expect(errors).toHaveLength(2)
  expect(new Set(errors.map(({ id }) => id)).size).toBe(2)
  expect(errors).toMatchObject([{ error: { code: 'CLOSED' } }, { error: { code: 'CLOSED' } }])
  await clock.runUntil(bus.close())
})

test('an open circuit holds live messages until it is half open, and no longer than runMsMax', async () => {
  const { clock, bus, begun, errors, publish } = await scene({
    runMsMax: 10_000,
    middleware: [circuitBreaker({ failuresMax: 1, openMs: 8_000 })],
  })
  await publish('throws')
  await publish('a', 'b')
  await clock.advance(7_999)
  expect(begun).toEqual(['throws'])
  await clock.advance(1)
  expect(begun).toEqual(['throws', 'a', 'b'])
  expect(errors).toMatchObject([{ error: { code: 'HANDLER_FAILED' } }])
  await publish('throws')
  await clock.advance(7_000)
  await publish('late')
  await clock.advance(1_000)
  expect(begun.at(-1)).toBe('late')
  await clock.runUntil(bus.close())
})

test('a live message that waited in vain for all of runMsMax is told as an error', async () => {
  const { clock, bus, begun, errors, publish } = await scene({
    runMsMax: 10_000,
    middleware: [circuitBreaker({ failuresMax: 1, openMs: 60_000 })],
  })
  await publish('throws')
  await publish('lost')
  await clock.advance(10_000)
  expect(begun).toEqual(['throws'])
  expect(errors.slice(1)).toMatchObject([{ error: { code: 'TIMEOUT' } }])
  await clock.runUntil(bus.close())
})
