import { expect, test } from 'vitest'
import { testWorld } from './testWorld.ts'

const queue = { name: 'orders', pattern: 'queue' } as const

test('what a crashed process held comes again after its lease, and its crash is counted', async () => {
  await using world = await testWorld()
  const seen: string[] = []
  const work = (process: string) =>
    world.bus.queue<number>('orders', { leaseMs: 30_000 }).subscribe(async (n, { crashes }) => {
      seen.push(`${process}: ${n}, crashes ${crashes}`)
      if (process === 'first') await new Promise(() => {})
    })
  await world.until(work('first').ready())
  await world.until(world.bus.queue('orders').publish(1))
  await world.pass(10)
  expect(seen).toEqual(['first: 1, crashes 0'])
  await world.crashRestart()
  work('second')
  await world.pass(29_000)
  expect(seen).toHaveLength(1)
  await world.pass(2_000)
  expect(seen[1]).toBe('second: 1, crashes 1')
  const [depth] = await world.until(world.bus.admin.depths([queue]))
  expect(depth).toMatchObject({ waiting: 0, inFlight: 0, out: 1 })
})

test('what a crashed process had not been told goes on nowhere', async () => {
  await using world = await testWorld()
  const before = world.bus
  let told = 0
  const publishing = before.queue('orders').publish('x')
  void publishing.then(
    () => told++,
    () => told++,
  )
  const bus = await world.crashRestart()
  expect(bus).not.toBe(before)
  await world.pass(600_000)
  expect(told).toBe(0)
})

test('an hour of retries passes at once', async () => {
  await using world = await testWorld({ seed: 7 })
  const orders = world.bus.queue('orders', {
    attempts: 4,
    backoff: { delayMsMin: 600_000, delayMsMax: 3_600_000 },
  })
  const worker = orders.subscribe(() => {
    throw new Error('no')
  })
  worker.on('error', () => undefined)
  const dead = new Promise((resolve) => worker.on('dead', resolve))
  await world.until(orders.publish('x', { id: 'm' }))
  expect(await world.until(dead)).toMatchObject({ id: 'm', letter: { failures: 4 } })
})
