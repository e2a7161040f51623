import { expect, onTestFinished, test } from 'vitest'
import { memory } from '../../drivers/memory/index.ts'
import { createBus } from '../../runtime/bus.ts'
import { Events } from '../../runtime/events.ts'
import { seededRandom } from '../../runtime/random.ts'
import { faulty } from '../../testing/simulation/faulty.ts'
import { Network } from '../../testing/simulation/network.ts'
import { Process } from '../../testing/simulation/process.ts'
import { virtualClock } from '../../testing/virtualClock.ts'
import type { Entry } from '../evidence/entry.ts'
import { gapMax, gapReasons, losses, missedUnknown } from '../evidence/record.ts'
import { writeTroubles } from './troubles.ts'

const calm = { latencyMsMax: 0, replyLost: 0, refused: 0, unknown: 0 }
const message = { producer: 0, incarnation: 0, sequence: 3 }

/** A worker with one message in hand, for as long as its handler takes. */
async function busyWorker(handlerMs: number) {
  const clock = virtualClock()
  const process = new Process('worker', clock)
  const network = new Network(clock, seededRandom(1), calm)
  const driver = faulty(memory({ clock }), process, network)
  const bus = await clock.runUntil(createBus(driver, { clock: process.clock }))
  onTestFinished(() => clock.runUntil(bus.close()))
  const channel = bus.queue<Uint8Array>('lab', { codec: 'bytes', leaseMs: 2_000 })
  await clock.runUntil(channel.publish(new Uint8Array(1), { id: 'r1-p00-i00-s0000003' }))
  const subscription = channel.subscribe((_, { signal }) => process.clock.sleep(handlerMs, signal))
  subscription.on('error', () => {}) // looked at through what is written down
  const entries: Entry[] = []
  writeTroubles(subscription, 'r1', {
    clock: process.clock,
    nowNs: () => BigInt(Math.round(clock.monotonicMs() * 1e6)),
    write: (entry) => void entries.push(entry),
  })
  await clock.advance(100)
  return { clock, process, driver, subscription, entries }
}

test('a worker that runs has nothing to tell', async () => {
  const { clock, entries } = await busyWorker(10_000)
  await clock.advance(9_000)
  expect(entries).toEqual([])
})

test('one that stood still tells for how long, and of what it lost', async () => {
  const { clock, process, entries } = await busyWorker(60_000)
  process.freeze()
  await clock.advance(3_000)
  process.thaw()
  await clock.advance(100)
  const stall = entries.find(({ type }) => type === 'stall')
  expect(Number(stall?.position) / 1e6).toBeCloseTo(3_000, -2)
  expect(entries.filter(({ type }) => type === 'lost')).toEqual([
    { type: 'lost', message, flags: losses.indexOf('expired') },
  ])
  expect(entries.some(({ type }) => type === 'cut')).toBe(false)
})

test('one that stood still for a moment tells nothing', async () => {
  const { clock, process, entries } = await busyWorker(60_000)
  process.freeze()
  await clock.advance(45)
  process.thaw()
  await clock.advance(100)
  expect(entries).toEqual([])
})

test('one that was cut off tells when, and when it was back', async () => {
  const { clock, driver, entries } = await busyWorker(60_000)
  driver.drop()
  await clock.advance(1)
  expect(entries.map(({ type }) => type)).toEqual(['cut'])
  await clock.advance(1_000)
  expect(entries.map(({ type }) => type)).toEqual(['cut', 'back'])
})

test('one that has drained tells nothing more', async () => {
  const { clock, process, subscription, entries } = await busyWorker(10)
  await clock.runUntil(subscription.drain())
  const told = entries.length
  process.freeze()
  await clock.advance(3_000)
  process.thaw()
  await clock.advance(100)
  expect(entries.slice(told)).toEqual([])
  expect(entries.filter(({ type }) => type === 'cut')).toEqual([])
})

const overflow = gapReasons.indexOf('overflow')

test('a live one that cannot keep up tells how many it has dropped', async () => {
  const clock = virtualClock()
  const bus = await clock.runUntil(createBus(memory({ clock }), { clock }))
  onTestFinished(() => clock.runUntil(bus.close()))
  const channel = bus.broadcast<Uint8Array>('lab', { codec: 'bytes' })
  const subscription = channel.subscribe((_, { signal }) => clock.sleep(1_000, signal), {
    holdMax: 1,
  })
  await clock.runUntil(subscription.ready())
  const entries: Entry[] = []
  writeTroubles(subscription, 'r1', {
    clock,
    nowNs: () => BigInt(Math.round(clock.monotonicMs() * 1e6)),
    write: (entry) => void entries.push(entry),
  })
  await clock.runUntil(channel.publish(new Uint8Array(1)))
  await clock.advance(100) // the first is in hand
  const more = [1, 2, 3].map(() => channel.publish(new Uint8Array(1)))
  await clock.runUntil(Promise.all(more))
  await clock.advance(5_000)
  expect(entries).toEqual([{ type: 'gap', count: 2, flags: overflow }])
})

test.for([
  ['as many as a record can say', gapMax, [gapMax]],
  ['more than that in two records', gapMax + 5, [gapMax, 5]],
  ['not known how many', 'unknown', [missedUnknown]],
] as const)('a gap: %s', ([, missed, counts]) => {
  const clock = virtualClock()
  const events = new Events()
  const entries: Entry[] = []
  const write = (entry: Entry) => void entries.push(entry)
  writeTroubles(events, 'r1', { clock, nowNs: () => 0n, write })
  events.emit('gap', { missed, why: 'reconnect' })
  const flags = gapReasons.indexOf('reconnect')
  expect(entries).toEqual(counts.map((count) => ({ type: 'gap', count, flags })))
})
