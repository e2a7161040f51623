import { expect, test } from 'vitest'
import type { Driver } from '../../core/driver.ts'
import type { PublishOutcome } from '../../core/message.ts'
import { memory } from '../../drivers/memory/index.ts'
import { createBus } from '../../runtime/bus.ts'
import { type TestWorld, testWorld } from '../../testing/testWorld.ts'
import type { Entry } from '../evidence/entry.ts'
import { givenUpFlag, settlements } from '../evidence/record.ts'
import { encodeData } from '../identity.ts'
import type { Load } from '../load.ts'
import { codeFlag, type Place } from './place.ts'
import { fromTheBeginning, type ProducerJob, produce } from './producer.ts'
import { work } from './worker.ts'

const run = { name: 'r1', number: 9n }
const calm = {
  ...{ group: null, probed: () => {} },
  die: () => Promise.reject(new Error('nobody is to die here')),
}
const whole = { resumed: fromTheBeginning, halted: new AbortController().signal }
const load: Load = {
  ...{ messages: 2, perSecond: 10, producers: 1, workers: 1, concurrency: 1 },
  ...{ handlerMs: 1_000, keys: 1, bytes: 64, poisonShare: 0, againShare: 0 },
  ...{ killers: 0, slowFactor: 1, surge: null, startsLate: false, triesMax: 1 },
}

/** Where what is written down can be looked at. */
function placeIn({ clock }: Pick<TestWorld, 'clock'>): { place: Place; entries: Entry[] } {
  const entries: Entry[] = []
  const nowNs = () => BigInt(Math.round(clock.monotonicMs() * 1e6))
  return { entries, place: { clock, nowNs, write: (entry) => void entries.push(entry) } }
}

/** A broker whose publisher says this of everything. */
function saying(outcome: PublishOutcome): Driver {
  const driver = memory()
  return {
    ...driver,
    async open(on, signal) {
      const session = await driver.open(on, signal)
      const publisher = { publish: async () => [outcome], [Symbol.asyncDispose]: async () => {} }
      return {
        info: session.info,
        admin: session.admin,
        contract: (...of) => session.contract(...of),
        publisher: async () => publisher,
        source: (...of) => session.source(...of),
        [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
      }
    },
  }
}

const failure = { code: 'UNAVAILABLE', message: 'as it is' } as const

test.for([
  [
    { state: 'stored', duplicate: false, position: '7' },
    { type: 'ok', flags: 0, position: 7n },
  ],
  [
    { state: 'refused', ...failure },
    { type: 'fail', flags: codeFlag('UNAVAILABLE') },
  ],
  [
    { state: 'unknown', ...failure },
    { type: 'info', flags: codeFlag('UNAVAILABLE') },
  ],
] as const)('a producer writes down what it is told: %j', async ([outcome, expected]) => {
  await using world = await testWorld()
  await using bus = await createBus(saying(outcome))
  const { place, entries } = placeIn(world)
  const channel = bus.queue('lab', { codec: 'bytes', publish: { retry: false } })
  const job: ProducerJob = {
    ...whole,
    channel,
    load,
    seed: 1,
    run,
    producer: 0,
    incarnation: 1,
    zeroNs: 0n,
  }
  await world.until(produce(job, place))
  const message = { producer: 0, incarnation: 1, sequence: 0 }
  expect(entries.slice(0, 2)).toMatchObject([
    { type: 'invoke', message, count: 1, position: 0n },
    { message, ...expected },
  ])
  expect(entries[2]).toMatchObject({ type: 'invoke', position: 100_000_000n })
})

test('what cannot be sent at all ends the producer', async () => {
  await using world = await testWorld()
  const { place } = placeIn(world)
  const channel = world.bus.queue<Uint8Array>('lab', { codec: 'bytes' })
  const whose = { ...whole, seed: 1, run, producer: 0, incarnation: 0, zeroNs: 0n }
  const tooShort = { ...load, bytes: 40, messages: 50 }
  const sending = produce({ channel, load: tooShort, ...whose }, place)
  await expect(world.until(sending)).rejects.toThrow('at least 48 bytes')
})

test('a handler that is given up has no effect, and says so', async () => {
  await using world = await testWorld()
  const { place, entries } = placeIn(world)
  const channel = world.bus.queue<Uint8Array>('lab', { codec: 'bytes' })
  const message = { producer: 0, incarnation: 0, sequence: 0 }
  const data = { run: run.number, identity: message, key: 5, kind: 'normal', intendedNs: 0n }
  await world.until(
    channel.publish(encodeData({ ...data, kind: 'normal' }, 64), {
      id: 'r1-p00-i00-s0000000',
      key: 'k05',
    }),
  )
  const job = { ...calm, channel, run, concurrency: 1, handlerMs: 60_000 }
  const subscription = work(job, place)
  await world.pass(100)
  await world.until(subscription.drain({ timeoutMs: 10 }))
  expect(entries).toMatchObject([
    { type: 'recv', message, key: 5, count: 1 },
    { type: 'throw', message, flags: givenUpFlag | codeFlag('HANDLER_FAILED') },
    { type: 'settled', message, flags: 3 },
  ])
})

test('a handler that runs for longer than it may has failed', async () => {
  await using world = await testWorld()
  const { place, entries } = placeIn(world)
  const channel = world.bus.queue<Uint8Array>('lab', { codec: 'bytes', attempts: 2 })
  await world.until(channel.publish(ofMessage(5), { id: 'r1-p00-i00-s0000000', key: 'k05' }))
  const subscription = work({ ...calm, channel, run, concurrency: 1, handlerMs: 2_000_000 }, place)
  await world.pass(901_000)
  expect(entries.slice(0, 3)).toMatchObject([
    { type: 'recv', count: 1 },
    { type: 'throw', flags: codeFlag('HANDLER_FAILED') },
    { type: 'settled', flags: settlements.indexOf('retry') },
  ])
  await world.until(subscription.drain({ timeoutMs: 10 }))
})

test.for([
  ['not of this run', new Uint8Array(100), 'somebody', undefined],
  ['of another id', ofMessage(5), 'r1-p00-i00-s0000001', 'k05'],
  ['of another key', ofMessage(5), 'r1-p00-i00-s0000000', 'k06'],
  ['without its key', ofMessage(5), 'r1-p00-i00-s0000000', undefined],
] as const)('what is %s is written down as foreign', async ([_, data, id, key]) => {
  await using world = await testWorld()
  const { place, entries } = placeIn(world)
  const channel = world.bus.queue<Uint8Array>('lab', { codec: 'bytes' })
  await world.until(channel.publish(data, { id, ...(key !== undefined && { key }) }))
  const subscription = work({ ...calm, channel, run, concurrency: 1, handlerMs: 0 }, place)
  await world.pass(100)
  await world.until(subscription.drain())
  expect(entries[0]).toEqual({ type: 'recv', count: 1, position: expect.any(BigInt) })
  expect(entries.some(({ type }) => type === 'done')).toBe(false)
})

function ofMessage(key: number): Uint8Array {
  const identity = { producer: 0, incarnation: 0, sequence: 0 }
  return encodeData({ run: run.number, identity, key, kind: 'normal', intendedNs: 0n }, 64)
}
