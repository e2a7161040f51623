import { expect, test } from 'vitest'
import type { Driver } from '../core/driver.ts'
import { memory } from '../drivers/memory/index.ts'
import { virtualClock } from '../testing/virtualClock.ts'
import type { Channel, Receipt } from './api.ts'
import { createBus } from './bus.ts'

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n)
const receiversOf = (receipts: readonly Receipt[]) => new Set(receipts.map((one) => one.receivers))

test('what was published by relay before the close reaches the worker of the same bus', async () => {
  const bus = await createBus(memory())
  const rooms = bus.narrowcast<number>('rooms', { via: 'relay' })
  const relay = await bus.relay('rooms')
  const seen: number[] = []
  await Promise.all([relay.ready(), rooms.subscribe((n) => void seen.push(n)).ready()])
  const receipts = Promise.all(numbers(1_000).map((n) => rooms.publish(n)))
  await bus.close()
  expect(receiversOf(await receipts)).toEqual(new Set([1]))
  expect(relay.counts).toMatchObject({ taken: 1_000, routed: 1_000 })
  expect(seen).toEqual(numbers(1_000))
})

test.each(['broadcast', 'narrowcast'] as const)(
  'what was published on a %s before the close reaches the worker of the same bus',
  async (pattern) => {
    const bus = await createBus(memory())
    const rooms = bus[pattern]<number>('rooms')
    const seen: number[] = []
    await rooms.subscribe((n) => void seen.push(n)).ready()
    const receipts = Promise.all(numbers(1_000).map((n) => rooms.publish(n)))
    const closed = bus.close()
    expect(() => rooms.subscribe(() => undefined)).toThrow('channel "rooms" was closed')
    await closed
    expect(receiversOf(await receipts)).toEqual(new Set([1]))
    expect(seen).toEqual(numbers(1_000))
  },
)

test('data that a schema still looks at is waited for first', async () => {
  const clock = virtualClock()
  const bus = await createBus(memory({ clock }), { clock })
  const validate = async (value: unknown) => {
    await clock.sleep(100, new AbortController().signal)
    return { value: value as number }
  }
  const schema = { '~standard': { version: 1, vendor: 'test', validate } } as const
  const news = bus.broadcast('news', { schema })
  await clock.runUntil(news.subscribe(() => undefined).ready())
  const receipt = news.publish(1)
  await clock.runUntil(bus.close())
  expect(await receipt).toMatchObject({ receivers: 1 })
})

test('who never stops publishing does not keep a bus open', async () => {
  const bus = await createBus(memory())
  const news = bus.broadcast<number>('news')
  await news.subscribe(() => undefined).ready()
  const publishing = untilRefused(news)
  await bus.close({ timeoutMs: 3_600_000 })
  expect(await publishing).toMatchObject({ code: 'CLOSED' })
})

async function untilRefused(news: Channel<number, number>): Promise<unknown> {
  try {
    for (;;) await news.publish(1)
  } catch (error) {
    return error
  }
}

/** A broadcast over a broker that takes `ms` for each batch. */
async function slowly(ms: number) {
  const clock = virtualClock()
  const store = memory({ clock })
  const driver: Driver = {
    ...store,
    async open(...args) {
      const session = await store.open(...args)
      const open = session.publisher.bind(session)
      session.publisher = async (...all) => {
        const publisher = await open(...all)
        const publish = publisher.publish.bind(publisher)
        publisher.publish = async (batch, signal) => {
          await clock.sleep(ms, signal)
          return publish(batch, signal)
        }
        return publisher
      }
      return session
    },
  }
  const bus = await createBus(driver, { clock })
  return { clock, bus, news: bus.broadcast<number>('news') }
}

test('a flush ends with the time of the close', async () => {
  const { clock, bus, news } = await slowly(600_000)
  await clock.runUntil(news.subscribe(() => undefined).ready())
  const startMs = clock.monotonicMs()
  const receipt = news.publish(1).catch((error: unknown) => error)
  await clock.runUntil(bus.close({ timeoutMs: 100 }))
  expect(clock.monotonicMs() - startMs).toBe(100)
  await receipt
})

test('workers are drained in the time that the flush has left', async () => {
  const { clock, bus, news } = await slowly(600)
  const ended: number[] = []
  const worker = news.subscribe(
    (_, { signal }) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => {
          ended.push(clock.monotonicMs() - startMs)
          resolve()
        })
      }),
  )
  worker.on('error', () => undefined)
  await clock.runUntil(worker.ready())
  const startMs = clock.monotonicMs()
  const receipt = news.publish(1)
  await clock.runUntil(bus.close({ timeoutMs: 1_000 }))
  expect(await receipt).toMatchObject({ receivers: 1 })
  expect(ended).toEqual([1_000])
})
