import { expect, test } from 'vitest'
import { onSource, openDying } from '../../test/workerScene.ts'
import type { Driver, SessionEvents } from '../core/driver.ts'
import { NarrowcastError } from '../core/errors.ts'
import { memory } from '../drivers/memory/index.ts'
import { virtualClock } from '../testing/virtualClock.ts'
import type { BatchOptions } from './api.ts'
import { createBus } from './bus.ts'
import { untilAborted } from './untilAborted.ts'

const wish = { leaseMs: 1_000, deliveriesMax: 3 }

/** A broker that charges a crash to all that it handed over, as three messages in each channel were. */
async function scene() {
  const clock = virtualClock()
  const store = memory({ clock })
  const steps: string[] = []
  let silence = Promise.withResolvers<void>()
  silence.resolve()
  /** What is taken comes no earlier. */
  const arrival = { promise: Promise.resolve() }
  /** Nothing is taken back. */
  const broker = { isBlocked: false }
  const charging = onSource(store, (source) => {
    const receive = source.receive.bind(source)
    const settle = source.settle.bind(source)
    source.receive = async (room, signal) => {
      await untilAborted(silence.promise, signal).catch(() => {})
      const came = await receive(room, signal)
      if (came.length > 0) steps.push(`takes ${came.map(({ message }) => message.body).join()}`)
      await arrival.promise
      return came.map((delivery) => ({ ...delivery, isBegun: true }))
    }
    source.settle = async (batch, signal) => {
      if (broker.isBlocked && batch.some(({ kind }) => kind === 'release')) {
        throw new NarrowcastError('UNAVAILABLE', 'it is blocked')
      }
      steps.push(...batch.map(({ kind }) => kind))
      return settle(batch, signal)
    }
  })
  let events: SessionEvents | null = null
  const driver: Driver = {
    ...charging,
    async open(on, signal) {
      events = on
      const session = await charging.open(on, signal)
      session.quiet = async (isQuiet) => {
        steps.push(isQuiet ? 'quiet' : 'quiet no more')
        silence.resolve()
        if (isQuiet) silence = Promise.withResolvers()
        await new Promise(setImmediate) // a journey to the broker
      }
      return session
    },
  }
  const lose = () => events?.closed(new NarrowcastError('CONNECTION_LOST', 'it broke'))
  for (const [name, from] of [
    ['orders', 0],
    ['others', 3],
  ] as const) {
    const { bus, process } = await openDying(clock, store)
    const theirs = bus.queue<number>(name, wish)
    await clock.runUntil(theirs.publishMany([0, 1, 2].map((n) => ({ data: from + n }))))
    theirs.subscribe(() => process.kill(), { batch: { size: 3, waitMsMax: 0 } })
  }
  await clock.advance(5_000)
  const bus = await createBus(driver, { clock, seed: 1 })
  return { clock, steps, bus, arrival, broker, lose }
}

test('what came with a suspect is given back before that one begins, and then each is taken alone', async () => {
  const { clock, steps, bus } = await scene()
  bus.queue<number>('orders', wish).subscribe((n) => void steps.push(`runs ${n}`), {
    concurrency: 3,
  })
  await clock.advance(1_000)
  expect(steps).toEqual([
    ...['takes 0,1,2', 'quiet', 'release', 'release', 'quiet', 'runs 0', 'ack', 'quiet no more'],
    ...['takes 1', 'quiet', 'quiet', 'runs 1', 'ack', 'quiet no more'],
    ...['takes 2', 'quiet', 'quiet', 'runs 2', 'ack', 'quiet no more'],
  ])
  await clock.runUntil(bus.close())
})

test('a suspect waits for the healthy, and goes back before another suspect begins', async () => {
  const { clock, steps, bus, arrival } = await scene()
  const healthy = Promise.withResolvers<void>()
  const run = (n: number) => {
    steps.push(`runs ${n}`)
    return n === 9 ? healthy.promise : undefined
  }
  await bus.queue<number>('healthy').publish(9)
  bus.queue<number>('healthy').subscribe(run)
  await clock.advance(100)
  const together = Promise.withResolvers<void>()
  arrival.promise = together.promise
  for (const name of ['orders', 'others']) bus.queue<number>(name, wish).subscribe(run)
  await clock.advance(100)
  together.resolve()
  await clock.advance(100)
  const waiting = ['takes 9', 'runs 9', 'takes 0', 'takes 3', 'quiet', 'release']
  expect(steps).toEqual(waiting)
  healthy.resolve()
  await clock.advance(1_000)
  const ran = steps.slice(waiting.length).filter((step) => step.startsWith('runs'))
  expect(ran.sort()).toEqual([0, 1, 2, 3, 4, 5].map((n) => `runs ${n}`))
  await clock.runUntil(bus.close())
})

test('what a batch has gathered elsewhere goes back too, however long it was to wait', async () => {
  const { clock, steps, bus } = await scene()
  await bus.queue<number>('healthy').publish(9)
  const batch: BatchOptions = { batch: { size: 3, waitMsMax: 3_600_000 } }
  bus.queue<number>('healthy').subscribe(() => {}, batch)
  await clock.advance(100)
  bus.queue<number>('orders', wish).subscribe((n) => void steps.push(`runs ${n}`))
  await clock.advance(100)
  expect(steps.slice(0, 5)).toEqual(['takes 9', 'takes 0', 'quiet', 'release', 'quiet'])
  await clock.runUntil(bus.close())
})

test('a broker that takes nothing back keeps nobody waiting, nor quiet for ever', async () => {
  const { clock, steps, bus, broker } = await scene()
  broker.isBlocked = true
  const worker = bus.queue<number>('orders', wish).subscribe((n) => void steps.push(`runs ${n}`), {
    concurrency: 3,
  })
  await clock.advance(4_000)
  worker.on('error', () => {})
  expect(steps).toEqual(['takes 0,1,2', 'quiet'])
  await clock.advance(20_000)
  expect(steps.slice(2)).toEqual(['runs 0', 'ack', 'quiet no more'])
  void worker.drain() // it takes no more, and others on this bus do
  broker.isBlocked = false
  await clock.advance(5_000)
  expect(steps.slice(5)).toEqual(['release', 'release'])
  await clock.runUntil(bus.close())
})

test('so it is with batches', async () => {
  const { clock, steps, bus } = await scene()
  const batch: BatchOptions = { batch: { size: 3, waitMsMax: 0 } }
  bus
    .queue<number>('orders', wish)
    .subscribe((all) => void steps.push(`runs ${all.map(({ data }) => data)}`), batch)
  await clock.advance(1_000)
  expect(steps.filter((step) => /^(takes|runs)/.test(step))).toEqual([
    ...['takes 0,1,2', 'runs 0', 'takes 1', 'runs 1', 'takes 2', 'runs 2'],
  ])
  await clock.runUntil(bus.close())
})

test('a session that is opened while a suspect runs is quiet too', async () => {
  const { clock, steps, bus, lose } = await scene()
  const end = Promise.withResolvers<void>()
  bus
    .queue<number>('orders', wish)
    .subscribe((n) => (n === 0 ? end.promise : undefined))
    .on('error', () => {})
  await clock.advance(500)
  expect(steps).toEqual(['takes 0', 'quiet', 'quiet'])
  lose()
  await clock.advance(500)
  expect(steps.slice(3)).toEqual(['quiet'])
  end.resolve()
  await clock.advance(500)
  expect(steps[4]).toBe('quiet no more')
  await clock.runUntil(bus.close())
})
