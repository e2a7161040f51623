import { setTimeout as wait } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Delivery } from '../../src/core/message.ts'
import {
  child,
  drainQueue,
  folder,
  message,
  never,
  open,
  quiet,
  readerSpec,
  spec,
} from './file/store.ts'

const ids = (deliveries: readonly { message: { id: string } }[]) =>
  deliveries.map((delivery) => delivery.message.id)

test('a publisher that is killed leaves whole batches, and every one it was told of', async () => {
  const size = 200
  for (let round = 0; round < 6; round++) {
    await using store = await folder()
    await using publisher = child('publish', store.dir, 'p', 100_000, size)
    await publisher.says(3 + round * 2)
    await wait(Math.random() * 5) // anywhere in the next batch
    await publisher.kill()
    const told = publisher.said.length
    await using opened = await open(store.dir)
    const found = ids(await drainQueue(opened.session))
    const batches = Math.max(...found.map((id) => Number(id.split('-')[1]))) + 1
    expect(batches).toBeGreaterThanOrEqual(told)
    const whole = Array.from({ length: batches * size }, (_, n) => {
      return `p-${Math.floor(n / size)}-${n % size}`
    })
    expect(found).toEqual(whole)
  }
}, 120_000)

test('what a killed reader held comes back after its lease, charged once, and nothing else', async () => {
  await using store = await folder()
  await using opened = await open(store.dir)
  await using publisher = await opened.session.publisher(spec(), never)
  await publisher.publish(
    Array.from({ length: 20 }, (_, n) => message(`m-${n}`)),
    never,
  )
  const leaseMs = 1_000
  await using holder = child('hold', store.dir, 'dead', 5, leaseMs)
  await holder.says(1)
  await holder.kill()
  const held = holder.said[0] as string[]
  expect(held).toHaveLength(5)
  const all: Delivery[] = []
  while (all.length < 20) all.push(...(await drainQueue(opened.session)))
  expect(ids(all).toSorted()).toEqual(Array.from({ length: 20 }, (_, n) => `m-${n}`).toSorted())
  for (const { message: one, crashes, failures } of all) {
    expect([one.id, crashes, failures]).toEqual([one.id, held.includes(one.id) ? 1 : 0, 0])
  }
  const [depth] = (await opened.session.admin.depths?.([spec()], never)) ?? []
  expect(depth).toMatchObject({ waiting: 0, inFlight: 0, stored: 0 })
}, 60_000)

test('two processes publish and four consume: everything comes once', async () => {
  await using store = await folder()
  await using first = await open(store.dir)
  await first.session.admin.ensure(spec(), never)
  const consumers = Array.from({ length: 4 }, (_, n) => child('consume', store.dir, `c${n}`, 3_000))
  try {
    await Promise.all(consumers.map((one) => one.says(1)))
    const publishers = ['a', 'b'].map((name) => child('publish', store.dir, name, 100, 50))
    for (const one of publishers) expect(await one.ended).toBe(0)
    for (const one of consumers) one.process.send('all is published')
    for (const one of consumers) expect(await one.ended).toBe(0)
    const came = consumers.flatMap(
      ({ said }) => said.slice(1).flat() as { id: string; outcome: string }[],
    )
    expect(came.every(({ outcome }) => outcome === 'settled')).toBe(true)
    expect(new Set(came.map(({ id }) => id)).size).toBe(10_000)
    expect(came).toHaveLength(10_000)
    const depth = (await first.session.admin.depths?.([spec()], never))?.[0]
    expect(depth).toMatchObject({ waiting: 0, inFlight: 0, stored: 0, in: 10_000, out: 10_000 })
  } finally {
    for (const one of consumers) await one[Symbol.asyncDispose]()
  }
}, 120_000)

test('consumers that are killed lose nothing, and repeat only what they held', async () => {
  await using store = await folder()
  await using opened = await open(store.dir)
  const short = spec({ leaseMs: 1_000 })
  await using publisher = await opened.session.publisher(short, never)
  const total = 5_000
  await publisher.publish(
    Array.from({ length: total }, (_, n) => message(`m-${n}`)),
    never,
  )
  const settled: string[] = []
  for (let round = 0; round < 5; round++) {
    await using victim = child('consume', store.dir, `victim-${round}`, 60_000)
    await victim.says(4 + round * 2)
    await victim.kill()
    settled.push(...(victim.said.slice(1).flat() as { id: string }[]).map(({ id }) => id))
  }
  // Their leases are 30 s: reopened under the same names they give back at once what they held.
  for (let round = 0; round < 5; round++) {
    const again = readerSpec(`victim-${round}`)
    const source = await opened.session.source(short, again, quiet, never)
    await source[Symbol.asyncDispose]()
  }
  const [depth] = (await opened.session.admin.depths?.([short], never)) ?? []
  const out = depth?.out as number
  // A victim may be killed between settling a batch of 50 and saying so: the store knows.
  const untold = out - settled.length
  expect([untold % 50, untold >= 0, untold <= 5 * 50]).toEqual([0, true, true])
  const rest = ids(await drainQueue(opened.session))
  expect(new Set([...settled, ...rest]).size).toBe(total - untold)
  expect(new Set(rest).size).toBe(rest.length)
  expect(rest.filter((id) => settled.includes(id))).toEqual([])
}, 60_000)

test('a waiting process is woken by another one', async () => {
  await using store = await folder()
  await using opened = await open(store.dir)
  await using publisher = await opened.session.publisher(spec(), never)
  await using listener = child('listen', store.dir, 'l', 'still')
  await listener.says(1)
  for (let n = 0; n < 20; n++) {
    await wait(5 + Math.random() * 20)
    await publisher.publish([message(`m-${n}`)], never)
    await listener.says(n + 2)
    expect(listener.said[n + 1]).toMatchObject([{ id: `m-${n}` }])
  }
}, 60_000)

test('a waiting process is woken by the time of a delayed message', async () => {
  await using store = await folder()
  await using opened = await open(store.dir)
  await using publisher = await opened.session.publisher(spec(), never)
  await using listener = child('listen', store.dir, 'l')
  await listener.says(1)
  const sentMs = Date.now()
  await publisher.publish([message('later', { delayMs: 300 })], never)
  await listener.says(2)
  const [late] = listener.said[1] as { id: string; atMs: number }[]
  expect(late?.id).toBe('later')
  expect((late?.atMs ?? 0) - sentMs).toBeGreaterThanOrEqual(300)
}, 60_000)
