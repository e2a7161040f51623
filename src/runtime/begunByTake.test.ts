import { expect, test } from 'vitest'
import { depth, onSource, openDying } from '../../test/workerScene.ts'
import { memory } from '../drivers/memory/index.ts'
import { virtualClock } from '../testing/virtualClock.ts'
import type { ChannelOptions, SubscribeOptions } from './api.ts'
import { createBus } from './bus.ts'

/** What was asked of the source of "orders". */
async function scene(options: ChannelOptions<string> = {}) {
  const clock = virtualClock()
  const store = memory({ clock })
  const steps: string[] = []
  const answers: Promise<void>[] = []
  const watched = onSource(store, (source, { name }) => {
    if (name !== 'orders') return
    const { receive, renew, settle } = {
      receive: source.receive.bind(source),
      renew: source.renew.bind(source),
      settle: source.settle.bind(source),
    }
    source.receive = async (room, signal) => {
      const came = await receive(room, signal)
      for (const { message } of came) steps.push(`takes ${String(message.body)}`)
      return came
    }
    source.renew = (begun, signal) => {
      if (begun) steps.push('marks')
      return renew(begun, signal)
    }
    source.settle = async (batch, signal) => {
      steps.push(...batch.map(({ kind }) => kind))
      const outcomes = await settle(batch, signal)
      await answers.shift()
      return outcomes
    }
  })
  const bus = await createBus(watched, { clock, seed: 1 })
  const orders = bus.queue<string>('orders', options)
  return { clock, store, steps, answers, bus, orders }
}

test.for<[string, ChannelOptions<string>, SubscribeOptions<string>, number]>([
  ['one handler', {}, {}, 0],
  ['several', {}, { concurrency: 3 }, 0],
  ['one whose ids are claimed first', { dedupe: { on: 'consume', windowMs: 1_000 } }, {}, 2],
])('the take marks for %s', async ([, options, wish, marks]) => {
  const { clock, steps, bus, orders } = await scene(options)
  for (const data of ['a', 'b']) await orders.publish(data)
  const all = Promise.withResolvers<void>()
  orders.subscribe((data) => {
    steps.push(`runs ${data}`)
    if (data === 'b') all.resolve()
  }, wish)
  await clock.runUntil(all.promise)
  expect(steps.filter((step) => step === 'marks')).toHaveLength(marks)
  await clock.runUntil(bus.close())
})

test('takes the next while a settlement is on its way, and no more than that', async () => {
  const { clock, steps, answers, bus, orders } = await scene()
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  answers.push(first.promise, second.promise)
  for (const data of ['a', 'b', 'c']) await orders.publish(data)
  orders.subscribe((data) => void steps.push(`runs ${data}`))
  await clock.settle(20)
  expect(steps).toEqual(['takes "a"', 'runs a', 'ack', 'takes "b"', 'runs b'])
  first.resolve()
  await clock.settle(20)
  expect(steps.slice(5)).toEqual(['ack', 'takes "c"', 'runs c'])
  second.resolve()
  await clock.settle(20)
  expect(await depth(bus)).toMatchObject({ out: 3, inFlight: 0 })
  await clock.runUntil(bus.close())
})

test('what was marked and may not start, since a suspect runs, goes back uncharged', async () => {
  const { clock, store, steps, bus, orders } = await scene()
  const dying = await openDying(clock, store)
  const crashing = { leaseMs: 1_000 }
  dying.bus.queue<string>('crashing', crashing).subscribe(() => dying.process.kill())
  await bus.queue<string>('crashing', crashing).publish('suspect')
  await clock.advance(3_000)
  const seen: unknown[] = []
  orders.subscribe((data, { crashes }) => void seen.push([data, crashes]))
  await clock.settle(10)
  const long = Promise.withResolvers<void>()
  bus.queue<string>('crashing', crashing).subscribe(() => long.promise)
  await clock.settle(10)
  await orders.publish('healthy')
  await clock.settle(20)
  expect(steps).toEqual(['takes "healthy"', 'release', 'takes "healthy"'])
  expect(seen).toEqual([])
  long.resolve()
  await clock.settle(20)
  expect(steps.slice(3)).toEqual(['marks', 'ack'])
  expect(seen).toEqual([['healthy', 0]])
  await clock.runUntil(bus.close())
})
