import { describe, expect, test } from 'vitest'
import { openDying } from '../../../test/workerScene.ts'
import { type Clock, systemClock } from '../../core/clock.ts'
import type { Driver } from '../../core/driver.ts'
import { NarrowcastError } from '../../core/errors.ts'
import { dead, retry } from '../../core/verdict.ts'
import { memory } from '../../drivers/memory/index.ts'
import { virtualClock } from '../../testing/virtualClock.ts'
import type { Handler, SubscribeOptions, Subscription, SubscriptionEvents } from '../api.ts'
import { createBus } from '../bus.ts'

async function scene() {
  const clock = virtualClock()
  const driver = memory({ clock })
  const bus = await createBus(driver, { clock, seed: 1 })
  const rooms = bus.narrowcast<number>('rooms')
  const subscribe = async (handler: Handler<number>, options?: SubscribeOptions<number>) => {
    const worker = rooms.subscribe(handler, options ?? {})
    await clock.runUntil(worker.ready())
    return { worker, heard: listen(worker) }
  }
  return {
    clock,
    driver,
    bus,
    rooms,
    subscribe,
    publish: (n: number) => clock.runUntil(rooms.publish(n, { id: `m${n}` })),
    [Symbol.asyncDispose]: () => clock.runUntil(bus.close()),
  }
}

function listen(worker: Subscription) {
  const heard = { settled: [] as string[], errors: [] as [string | null, string][], stuck: 0 }
  worker.on('settled', ({ id, kind, outcome }) => heard.settled.push(`${id} ${kind} ${outcome}`))
  worker.on('error', ({ id, error }) => heard.errors.push([id, `${error.code} ${error.message}`]))
  worker.on('stuck', () => heard.stuck++)
  return heard
}

describe('each message ends once:', () => {
  const endings: [string, Handler<number>, string][] = [
    ['a throw', () => Promise.reject(new TypeError('no room')), 'HANDLER_FAILED .*TypeError: no'],
    ['a retry', () => retry(), 'HANDLER_FAILED .*asked for a retry of message m1: nothing is'],
    ['dead', () => dead('too old'), 'HANDLER_FAILED .*gave message m1 up: too old'],
    ['no verdict', () => 7 as never, 'HANDLER_FAILED .*7 is not a verdict'],
  ]
  test.for(endings)('%s is one error with its id, and no second delivery', async (one) => {
    const [, handler, text] = one
    await using world = await scene()
    let runs = 0
    const { worker, heard } = await world.subscribe((data, delivery) => {
      runs++
      return handler(data, delivery)
    })
    expect(await world.publish(1)).toMatchObject({ id: 'm1', receivers: 1, duplicate: false })
    await world.clock.advance(60_000)
    expect(heard.errors).toEqual([['m1', expect.stringMatching(text)]])
    expect([runs, heard.settled]).toEqual([1, []])
    expect(worker.isReady).toBe(true)
  })

  test('what ends well is settled', async () => {
    await using world = await scene()
    const seen: unknown[] = []
    const { heard } = await world.subscribe((data, { attempt, failures, crashes, message }) => {
      seen.push([data, attempt, failures, crashes, message.id])
    })
    await world.publish(1)
    await world.clock.settle()
    expect(seen).toEqual([[1, 1, 0, 0, 'm1']])
    expect(heard.settled).toEqual(['m1 ack settled'])
  })

  test('what cannot be read is told, and no handler runs', async () => {
    await using world = await scene()
    const { heard } = await world.subscribe(() => {
      throw new Error('must not run')
    })
    const raw = world.bus.narrowcast('rooms', { codec: 'bytes' })
    await world.clock.runUntil(raw.publish(new Uint8Array([123]), { id: 'broken' }))
    await world.clock.settle()
    expect(heard.errors).toEqual([['broken', expect.stringMatching('INVALID_MESSAGE .*broken')]])
  })
})

test('no more at once than there are slots; the rest waits unread, the oldest dropped', async () => {
  await using world = await scene()
  const running: number[] = []
  const gates: (() => void)[] = []
  const { worker } = await world.subscribe(
    (n) => {
      running.push(n)
      return new Promise((resolve) => gates.push(resolve))
    },
    { concurrency: 2, holdMax: 3 },
  )
  const gaps: SubscriptionEvents['gap'][] = []
  worker.on('gap', (gap) => gaps.push(gap))
  for (let n = 0; n < 7; n++) await world.publish(n)
  await world.clock.settle()
  expect(running).toEqual([0, 1])
  gates.shift()?.()
  await world.clock.settle()
  expect(running).toEqual([0, 1, 4])
  expect(gaps).toEqual([{ missed: 2, why: 'overflow' }])
  for (let n = 0; n < 4; n++) {
    gates.shift()?.()
    await world.clock.settle()
  }
  expect(running).toEqual([0, 1, 4, 5, 6])
})

test('past its time a handler is aborted and told once; its slot comes back when it ends', async () => {
  await using world = await scene()
  const end = Promise.withResolvers<void>()
  const signals: AbortSignal[] = []
  const { worker, heard } = await world.subscribe(
    async (n, { signal }) => {
      signals.push(signal)
      if (n === 1) await end.promise
    },
    { runMsMax: 1_000, abortMs: 500 },
  )
  await world.publish(1)
  await world.clock.advance(1_200)
  expect([signals[0]?.aborted, heard.stuck, worker.isReady]).toEqual([true, 0, true])
  await world.clock.advance(500)
  expect([heard.stuck, worker.isReady]).toEqual([1, false])
  expect(heard.errors).toEqual([['m1', expect.stringContaining('STUCK')]])
  end.resolve()
  await world.clock.settle()
  expect(worker.isReady).toBe(true)
  await world.publish(2)
  await world.clock.settle()
  expect([heard.settled, heard.errors.length]).toEqual([['m2 ack settled'], 1])
})

describe('drain', () => {
  test('leaves at once, and lets what has begun end', async () => {
    await using world = await scene()
    const end = Promise.withResolvers<void>()
    const { worker, heard } = await world.subscribe(() => end.promise)
    await world.publish(1)
    await world.clock.settle()
    const draining = worker.drain({ timeoutMs: 5_000 })
    await world.clock.settle()
    await expect(world.publish(2)).rejects.toMatchObject({ code: 'NO_WORKER', definite: true })
    end.resolve()
    expect(await world.clock.runUntil(draining)).toEqual({ settled: 1, released: 0, abandoned: 0 })
    expect(heard.settled).toEqual(['m1 ack settled'])
  })

  test('begins all that waits unread, and is given nothing more', async () => {
    await using world = await scene()
    const seen: number[] = []
    const { worker, heard } = await world.subscribe(async (n) => {
      seen.push(n)
      await world.clock.sleep(100, new AbortController().signal)
    })
    for (let n = 0; n < 10; n++) await world.publish(n)
    const draining = worker.drain({ timeoutMs: 5_000 })
    await world.clock.settle()
    await expect(world.publish(10)).rejects.toMatchObject({ code: 'NO_WORKER' })
    const drained = await world.clock.runUntil(draining)
    expect(drained).toEqual({ settled: 10, released: 0, abandoned: 0 })
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(heard.errors).toEqual([])
  })

  test('tells each that its deadline finds unread', async () => {
    await using world = await scene()
    const { worker, heard } = await world.subscribe(() =>
      world.clock.sleep(100, new AbortController().signal),
    )
    for (let n = 0; n < 5; n++) await world.publish(n)
    const drained = await world.clock.runUntil(worker.drain({ timeoutMs: 150 }))
    expect(drained).toEqual({ settled: 2, released: 0, abandoned: 3 })
    expect(heard.settled).toHaveLength(2)
    const told = expect.stringMatching(/^CLOSED .*is being drained/)
    expect(heard.errors).toEqual(['m2', 'm3', 'm4'].map((id) => [id, told]))
  })

  test('aborts at its deadline, and says what did not end', async () => {
    await using world = await scene()
    const { worker, heard } = await world.subscribe(
      (n, { signal }) =>
        new Promise((_, reject) => {
          if (n === 1) signal.addEventListener('abort', () => reject(signal.reason))
        }),
      { concurrency: 2 },
    )
    await world.publish(1)
    await world.publish(2)
    await world.clock.settle()
    const drained = await world.clock.runUntil(worker.drain({ timeoutMs: 100 }))
    expect(drained).toEqual({ settled: 1, released: 0, abandoned: 1 })
    expect(heard.errors).toEqual([['m1', expect.stringContaining('CLOSED')]])
  })
})

test('a lease that ended is told as a gap, and the worker is there again', async () => {
  await using world = await scene()
  const seen: number[] = []
  const { worker } = await world.subscribe((n) => {
    seen.push(n)
  })
  const gaps: SubscriptionEvents['gap'][] = []
  worker.on('gap', (gap) => gaps.push(gap))
  worker.on('error', () => {})
  await world.clock.runUntil(world.bus.admin.remove({ name: 'rooms', pattern: 'narrowcast' }))
  await world.clock.advance(5_000)
  expect(gaps).toEqual([{ missed: 'unknown', why: 'reconnect' }])
  await world.publish(1)
  await world.clock.settle()
  expect(seen).toEqual([1])
})

test('it is renewed for as long as it lives, though nothing comes', async () => {
  await using world = await scene()
  const seen: number[] = []
  await world.subscribe((n) => {
    seen.push(n)
  })
  await world.clock.advance(60_000)
  await world.publish(1)
  await world.clock.settle()
  expect(seen).toEqual([1])
})

test('a schema that answers after the time is over calls no handler', async () => {
  await using world = await scene()
  const answer = Promise.withResolvers<{ value: unknown }>()
  const validate = () => answer.promise
  const schema = { '~standard': { version: 1, vendor: 'test', validate } } as const
  const other = await createBus(world.driver, { clock: world.clock })
  let runs = 0
  const worker = other.narrowcast('rooms', { schema }).subscribe(() => void runs++, {
    runMsMax: 1_000,
    abortMs: 10_000,
  })
  const heard = listen(worker)
  await world.clock.runUntil(worker.ready())
  await world.publish(1)
  await world.clock.advance(2_000)
  answer.resolve({ value: 1 })
  await world.clock.settle()
  expect([runs, heard.errors]).toEqual([0, [['m1', expect.stringContaining('TIMEOUT')]]])
  await world.clock.runUntil(other.close())
})

test('nothing of it begins beside a message that took a worker down', async () => {
  await using world = await scene()
  const { clock, bus, driver } = world
  const dying = await openDying(clock, driver)
  const wish = { leaseMs: 1_000 }
  const orders = bus.queue<string>('orders', wish)
  dying.bus.queue<string>('orders', wish).subscribe(() => dying.process.kill())
  await clock.runUntil(orders.publish('suspect'))
  await clock.advance(3_000)
  const steps: string[] = []
  await world.subscribe((n) => void steps.push(`live ${n}`))
  const end = Promise.withResolvers<void>()
  orders.subscribe(async () => {
    steps.push('suspect begins')
    await end.promise
    steps.push('suspect ends')
  })
  await clock.advance(100)
  await world.publish(1)
  await clock.advance(100)
  expect(steps).toEqual(['suspect begins'])
  end.resolve()
  await clock.advance(100)
  expect(steps).toEqual(['suspect begins', 'suspect ends', 'live 1'])
})

test('handlers that work synchronously leave the loop a turn between them', async () => {
  let nowMs = 0
  const clock: Clock = { ...systemClock, monotonicMs: () => nowMs }
  await using bus = await createBus(memory(), { clock })
  const rooms = bus.narrowcast<number>('rooms')
  const turns: boolean[] = []
  let isTurned = false
  const worker = rooms.subscribe(
    () => {
      turns.push(isTurned)
      isTurned = false
      setTimeout(() => {
        isTurned = true
      }, 0)
      nowMs += 300
    },
    { concurrency: 3 },
  )
  await worker.ready()
  await rooms.publishMany([1, 2, 3].map((data) => ({ data })))
  await worker.drain()
  expect(turns).toEqual([false, true, true])
})

test('refused for good, its health says why', async () => {
  const clock = virtualClock()
  const store = memory({ clock })
  const driver: Driver = {
    ...store,
    async open(...args) {
      const session = await store.open(...args)
      const { live } = session
      if (!live) throw new Error('memory has live patterns')
      live.subscribe = () => Promise.reject(new NarrowcastError('LOGIN_REFUSED', 'not for you'))
      return session
    },
  }
  const bus = await createBus(driver, { clock })
  const worker = bus.broadcast('news').subscribe(() => undefined)
  const { errors } = listen(worker)
  await expect(clock.runUntil(worker.ready())).rejects.toMatchObject({ code: 'LOGIN_REFUSED' })
  expect(bus.health().subscriptions).toMatchObject([{ isReady: false, why: 'not for you' }])
  expect(errors).toEqual([[null, 'LOGIN_REFUSED not for you']])
  await clock.runUntil(bus.close())
})
