import { expect, test } from 'vitest'
import type { ChannelSpec, ReaderSpec } from '../../core/channel.ts'
import type { Clock } from '../../core/clock.ts'
import type { Session, Source } from '../../core/driver.ts'
import type { Delivery, OutgoingMessage } from '../../core/message.ts'
import { parseBrokerUrl } from '../../core/url.ts'
import { fromUrl, memory } from './index.ts'

const never = new AbortController().signal
const room = { messages: 100, bytes: 1_000_000 }

/** A clock whose sleepers are seen and woken by hand. */
function handClock() {
  const sleeping: { untilMs: number; wake: () => void }[] = []
  let nowMs = 0
  let wallMs = 1_000_000
  let sleeps = 0
  const clock: Clock = {
    wallMs: () => wallMs,
    monotonicMs: () => nowMs,
    sleep(ms, signal) {
      sleeps++
      return new Promise((resolve) => {
        const sleeper = { untilMs: nowMs + ms, wake: resolve }
        sleeping.push(sleeper)
        signal.addEventListener('abort', () => {
          sleeping.splice(sleeping.indexOf(sleeper), 1)
          resolve()
        })
      })
    },
  }
  return {
    clock,
    sleeping,
    sleeps: () => sleeps,
    jumpWall: (ms: number) => {
      wallMs += ms
    },
    async to(ms: number) {
      nowMs = ms
      for (const due of sleeping.filter(({ untilMs }) => untilMs <= ms)) {
        sleeping.splice(sleeping.indexOf(due), 1)
        due.wake()
      }
      await settled()
    },
  }
}

const settled = () => new Promise((done) => setImmediate(done))

function channel(over: Partial<ChannelSpec> = {}): ChannelSpec {
  return {
    name: 'orders',
    pattern: 'queue',
    via: 'direct',
    leaseMs: 1_000,
    envelope: true,
    payloadBytesMax: 1_000_000,
    dedupeWindowMs: null,
    retention: { ageMs: null, messages: null, bytes: null },
    ...over,
  }
}

function message(id: string, over: Partial<OutgoingMessage> = {}): OutgoingMessage {
  return {
    id,
    key: null,
    timeMs: 0,
    headers: {},
    delayMs: 0,
    redrives: 0,
    dedupeId: null,
    type: 't',
    source: 's',
    body: '1',
    ...over,
  }
}

async function open(
  session: Session,
  spec: ChannelSpec,
  name = 'a',
  holding: ReaderSpec['holding'] = [],
): Promise<Source> {
  const reader: ReaderSpec = {
    reader: name,
    worker: { id: name, incarnation: '1' },
    group: spec.pattern === 'stream' ? 'g' : null,
    holding,
    hold: { messages: 100, bytes: 1_000_000 },
    leaseMs: spec.leaseMs,
    charge: 'taken',
    from: 'first',
    order: null,
  }
  return session.source(spec, reader, { lost: () => {} }, never)
}

async function publish(session: Session, spec: ChannelSpec, ...messages: OutgoingMessage[]) {
  const publisher = await session.publisher(spec, never)
  return publisher.publish(messages, never)
}

const sessionOf = (clock?: Clock) =>
  memory(clock ? { clock } : {}).open({ closed: () => {} }, never)
const ids = (deliveries: readonly Delivery[]) => deliveries.map((one) => one.message.id)

test('who waits for nothing sets no alarm, and one alarm serves all who wait', async () => {
  const hand = handClock()
  const session = await sessionOf(hand.clock)
  const spec = channel()
  const sources = await Promise.all(['a', 'b', 'c'].map((name) => open(session, spec, name)))
  const waiting = sources.map((source) => source.receive(room, never))
  await settled()
  expect(hand.sleeping).toEqual([])
  await publish(
    session,
    spec,
    message('later', { delayMs: 700 }),
    message('sooner', { delayMs: 500 }),
  )
  expect(hand.sleeping.map(({ untilMs }) => untilMs)).toEqual([500])
  await hand.to(499)
  expect(hand.sleeps()).toBe(1)
  await hand.to(500)
  expect(ids((await waiting[0]) ?? [])).toEqual(['sooner'])
  await hand.to(700)
  expect(ids((await waiting[1]) ?? [])).toEqual(['later'])
  await sources[2]?.[Symbol.asyncDispose]()
  expect(await waiting[2]).toEqual([])
  await session[Symbol.asyncDispose]()
  expect(hand.sleeping).toEqual([])
})

test('what a dead reader held comes at the very end of its lease, and no clock step moves it', async () => {
  const hand = handClock()
  const session = await sessionOf(hand.clock)
  const spec = channel()
  const [dead, live] = [await open(session, spec, 'dead'), await open(session, spec, 'live')]
  await publish(session, spec, message('m'))
  const [held] = await dead.receive(room, never)
  expect(held?.ownedUntilMs).toBe(1_000)
  let got: Delivery[] = []
  const receiving = live.receive(room, never).then((deliveries) => {
    got = deliveries
  })
  hand.jumpWall(3_600_000)
  await hand.to(999)
  hand.jumpWall(-7_200_000)
  await settled()
  expect(got).toEqual([])
  await hand.to(1_000)
  await receiving
  expect(got.map((one) => one.crashes)).toEqual([1])
})

test('a reader outlives the removal of its channel and of its group', async () => {
  const session = await sessionOf()
  const spec = channel({ pattern: 'stream' })
  const source = await open(session, spec)
  const receiving = source.receive(room, never)
  await session.admin.remove?.(spec, never)
  await publish(session, spec, message('one'))
  const [one] = await receiving
  expect(one?.message.id).toBe('one')
  const next = source.receive(room, never)
  await session.admin.removeGroup?.(spec, 'g', never)
  expect(ids(await next)).toEqual(['one'])
  const late = one && (await source.settle([{ token: one.token, kind: 'ack' }], never))
  expect(late).toEqual(['late'])
})

test('a source that was opened anew elsewhere is closed, and takes nothing more', async () => {
  const session = await sessionOf()
  const spec = channel()
  const old = await open(session, spec)
  const receiving = old.receive(room, never)
  const present = await open(session, spec)
  expect(await receiving).toEqual([])
  await expect(old.receive(room, never)).rejects.toMatchObject({ code: 'CLOSED' })
  await expect(old.renew(null, never)).rejects.toMatchObject({ code: 'CLOSED' })
  await publish(session, spec, message('m'))
  const [held] = await present.receive(room, never)
  await old[Symbol.asyncDispose]()
  expect(held && (await present.settle([{ token: held.token, kind: 'ack' }], never))).toEqual([
    'settled',
  ])
})

test('who opens again is told what of its holding was taken away meanwhile', async () => {
  const { clock, to } = handClock()
  const session = await sessionOf(clock)
  const spec = channel()
  const before = await open(session, spec)
  await publish(session, spec, message('held'), message('done'))
  const [held, done] = (await before.receive(room, never)).map(({ token }) => token)
  if (!held || !done) throw new Error('expected two deliveries')
  await before.settle([{ token: done, kind: 'ack' }], never)
  const inTime = await open(session, spec, 'a', [held, done])
  expect(await inTime.renew(null, never)).toEqual([])
  await to(1_000)
  const late = await open(session, spec, 'a', [held])
  expect(await late.renew(null, never)).toEqual([held])
})

test('writing into the bytes of a delivery, or of what was published, changes no other', async () => {
  const session = await sessionOf()
  const spec = channel()
  const source = await open(session, spec)
  const body = new Uint8Array([1, 2, 3])
  const headers = { a: 'b' }
  await publish(session, spec, message('m', { body, headers }))
  body[0] = 9
  headers.a = 'c'
  const [first] = await source.receive(room, never)
  if (first?.message.body instanceof Uint8Array) first.message.body[1] = 9
  await source.settle(
    [{ token: first?.token as Delivery['token'], kind: 'release', delayMs: 0 }],
    never,
  )
  const [again] = await source.receive(room, never)
  expect(again?.message.body).toEqual(new Uint8Array([1, 2, 3]))
  expect(again?.message.headers).toEqual({ a: 'b' })
})

test('two drivers share nothing, two sessions of one share everything', async () => {
  const driver = memory()
  const spec = channel()
  const [one, two] = [
    await driver.open({ closed: () => {} }, never),
    await driver.open({ closed: () => {} }, never),
  ]
  await publish(one, spec, message('m'))
  expect((await two.admin.depths?.([spec], never))?.[0]?.waiting).toBe(1)
  const other = await sessionOf()
  expect(await other.admin.depths?.([spec], never)).toEqual([null])
})

test('an ended window and ended marks give their memory back', async () => {
  const hand = handClock()
  const session = await sessionOf(hand.clock)
  const spec = channel({ dedupeWindowMs: 1_000 })
  const again = () => publish(session, spec, message('m', { dedupeId: 'm' }))
  expect((await again())[0]).toMatchObject({ duplicate: false })
  await hand.to(999)
  expect((await again())[0]).toMatchObject({ duplicate: true, position: '1' })
  await hand.to(1_000)
  expect((await again())[0]).toMatchObject({ duplicate: false, position: '2' })
})

test('a memory: URL has no address and no options', () => {
  expect(fromUrl(parseBrokerUrl('memory:')).name).toBe('memory')
  expect(() => fromUrl(parseBrokerUrl('memory:here'))).toThrow('an address, "here"')
  expect(() => fromUrl(parseBrokerUrl('memory:?sync=full'))).toThrow('the option sync')
})
