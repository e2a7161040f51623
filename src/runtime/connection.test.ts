import { expect, test } from 'vitest'
import type { Driver, SessionEvents } from '../core/driver.ts'
import { type ErrorCode, NarrowcastError } from '../core/errors.ts'
import { memory } from '../drivers/memory/index.ts'
import { virtualClock } from '../testing/virtualClock.ts'
import { createBus } from './bus.ts'

/** A bus over a broker that goes away, and can be told how it refuses to be opened again. */
async function open() {
  const clock = virtualClock()
  const store = memory({ clock })
  let refusal: NarrowcastError | null = null
  let events: SessionEvents | null = null
  const driver: Driver = {
    ...store,
    async open(on, signal) {
      if (refusal) throw refusal
      events = on
      return store.open(on, signal)
    },
  }
  const bus = await createBus(driver, { clock, seed: 1 })
  const orders = bus.queue<number>('orders')
  await orders.opened()
  const refuseWith = (code: ErrorCode | null, text = '') => {
    refusal = code && new NarrowcastError(code, text, { hint: `mend ${text}` })
  }
  const lose = async () => {
    events?.closed(new NarrowcastError('CONNECTION_LOST', 'it broke'))
    await clock.advance(1_000)
  }
  return { clock, bus, orders, refuseWith, lose }
}

test('a broker that refuses to be opened again for good is told to publishers at once', async () => {
  const { clock, bus, orders, refuseWith, lose } = await open()
  const seen: number[] = []
  orders.subscribe((n) => void seen.push(n)).on('error', () => undefined)
  refuseWith('CONNECT_FAILED', 'the network')
  await lose()
  const waiting = orders.publish(1).catch((error: unknown) => error)
  await clock.settle(10)
  refuseWith('LOGIN_REFUSED', 'the login')
  await clock.advance(10_000)
  const told = { code: 'LOGIN_REFUSED', message: 'the login', hint: 'mend the login' }
  expect(await waiting).toMatchObject({ ...told, definite: true })
  expect(await orders.publishMany([{ data: 2 }])).toMatchObject([told])
  // It is tried again all the same: who publishes waits again, and is stored when it is mended.
  refuseWith('CONNECT_FAILED', 'the network')
  await clock.advance(60_000)
  const third = orders.publish(3)
  await clock.settle(10)
  refuseWith(null)
  await clock.advance(30_000)
  expect(await third).toMatchObject({ duplicate: false })
  await clock.advance(5_000)
  expect(seen).toEqual([3])
  await clock.runUntil(bus.close())
})

test('a publish that ran out of time while the connection was away says why it was', async () => {
  const { clock, bus, orders, refuseWith, lose } = await open()
  refuseWith('CONNECT_FAILED', 'the network')
  await lose()
  const answer = await clock.runUntil(
    orders.publish(1).catch((error: unknown) => error),
    60_000,
  )
  expect(answer).toMatchObject({
    code: 'TIMEOUT',
    message: expect.stringContaining('no answer in 30000 ms: the network; it was not stored'),
    hint: 'mend the network',
    cause: { code: 'CONNECT_FAILED' },
  })
  await clock.runUntil(bus.close())
})

test('a session that ends while it is being opened is closed again', async () => {
  const store = memory()
  let closed = 0
  const driver: Driver = {
    ...store,
    async open(on, signal) {
      const session = await store.open(on, signal)
      const dispose = session[Symbol.asyncDispose].bind(session)
      session[Symbol.asyncDispose] = () => {
        closed++
        return dispose()
      }
      on.closed(new NarrowcastError('CONNECTION_LOST', 'it broke'))
      return session
    },
  }
  await expect(createBus(driver)).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
  expect(closed).toBe(1)
})

test('pauses grow where sessions end at once, and stay short where each lives for longer', async () => {
  const clock = virtualClock()
  const store = memory({ clock })
  let opened = 0
  let livesMs = 0
  const driver: Driver = {
    ...store,
    async open(on, signal) {
      opened++
      const session = await store.open(on, signal)
      const ended = () => on.closed(new NarrowcastError('CONNECTION_LOST', 'it broke'))
      void clock.sleep(livesMs, new AbortController().signal).then(ended)
      return session
    },
  }
  const opensIn = async (minutes: number, lives: number) => {
    livesMs = lives
    opened = 0
    const bus = await createBus(driver, { clock, seed: 1 })
    await clock.advance(minutes * 60_000)
    await clock.runUntil(bus.close())
    return opened
  }
  const opensAtOnce = await opensIn(60, 1) // 2.5 s apart
  expect(opensAtOnce).toBeLessThan(1_700)
  expect(opensAtOnce).toBeGreaterThan(1_200)
  // It is away for a tenth of the time at most.
  expect(await opensIn(60, 6_000)).toBeGreaterThan(540)
})

test('a broker that refuses for good is asked less often than one that is away', async () => {
  const clock = virtualClock()
  const store = memory({ clock })
  const triesIn = async (minutes: number, error: NarrowcastError) => {
    let tries = 0
    let end = () => {}
    const driver: Driver = {
      ...store,
      async open(on, signal) {
        if (tries++ > 0) throw error
        end = () => on.closed(new NarrowcastError('CONNECTION_LOST', 'it broke'))
        return await store.open(on, signal)
      },
    }
    const bus = await createBus(driver, { clock, seed: 1 })
    end()
    await clock.advance(minutes * 60_000)
    await clock.runUntil(bus.close())
    return tries
  }
  const away = await triesIn(60, new NarrowcastError('CONNECT_FAILED', 'nobody listens'))
  expect(away).toBeGreaterThan(1_200)
  const refused = new NarrowcastError('LOGIN_REFUSED', 'the login')
  expect(refused.retryable).toBe(false)
  expect(await triesIn(60, refused)).toBeLessThan(300)
})
