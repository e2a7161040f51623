import { expect, test } from 'vitest'
import type { ChannelSpec, SubscriberSpec } from '../../core/channel.ts'
import type { Live, LiveEvents, Session } from '../../core/driver.ts'
import type { IncomingMessage, OutgoingMessage } from '../../core/message.ts'
import { virtualClock } from '../../testing/virtualClock.ts'
import { memory } from './index.ts'

const never = new AbortController().signal
const room = { messages: 100, bytes: 1_000_000 }
const silent: LiveEvents = { gap: () => {} }

function channel(over: Partial<ChannelSpec> = {}): ChannelSpec {
  return {
    name: 'orders',
    pattern: 'narrowcast',
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

function subscriber(id: string, over: Partial<SubscriberSpec> = {}): SubscriberSpec {
  const worker = { id, incarnation: '1' }
  return { worker, leaseMs: 1_000, hold: { messages: 100, bytes: 1_000_000 }, ...over }
}

async function scene() {
  const clock = virtualClock()
  const driver = memory({ clock })
  const open = () => driver.open({ closed: () => {} }, never)
  const session = await open()
  return { clock, open, session, live: liveOf(session) }
}

const liveOf = (session: Session) => session.live as Required<Live>
const ids = (messages: readonly IncomingMessage[]) => messages.map(({ id }) => id)
const turn = () => new Promise<void>((done) => setImmediate(done))

test('the same worker on another session takes the place of a connection that was never closed', async () => {
  const { open, live } = await scene()
  const spec = channel()
  const old = await live.subscribe(spec, subscriber('a'), silent, never)
  const receiving = old.receive(room, never)
  const present = await liveOf(await open()).subscribe(spec, subscriber('a'), silent, never)
  expect([old.resumed, present.resumed]).toEqual([false, true])
  expect(await receiving).toEqual([])
  await expect(old.receive(room, never)).rejects.toMatchObject({ code: 'CLOSED' })
  await expect(old.renew(never)).rejects.toMatchObject({ code: 'CLOSED' })
  await old[Symbol.asyncDispose]()
  const to = { id: 'a', incarnation: '1' }
  expect(await live.send(spec, [{ to, message: message('m') }], null, never)).toEqual(['handed'])
  expect(ids(await present.receive(room, never))).toEqual(['m'])
})

test('closing a session ends the waits of its candidates, and hands over what it leads', async () => {
  const { open, session, live } = await scene()
  const spec = channel({ via: 'relay' })
  const lead = await live.lead(spec, subscriber('a'), silent, never)
  const second = live.lead(spec, subscriber('b'), silent, never)
  const elsewhere = liveOf(await open()).lead(spec, subscriber('c'), silent, never)
  const told = expect(second).rejects.toMatchObject({ code: 'CLOSED' })
  await session[Symbol.asyncDispose]()
  await told
  expect((await elsewhere).fence).not.toBe(lead.fence)
  await expect(live.workers(spec, never)).rejects.toMatchObject({ code: 'CLOSED' })
})

test('a lead that is granted while its session closes is handed on', async () => {
  const { open, session, live } = await scene()
  const spec = channel()
  const first = await liveOf(await open()).lead(spec, subscriber('a'), silent, never)
  const second = live.lead(spec, subscriber('b'), silent, never)
  const third = liveOf(await open()).lead(spec, subscriber('c'), silent, never)
  const told = expect(second).rejects.toMatchObject({ code: 'CLOSED' })
  await Promise.all([first[Symbol.asyncDispose](), session[Symbol.asyncDispose]()])
  await told
  expect((await third).fence).toBe('3')
})

test('nobody sleeps but for a lead that others wait for, and only while its lease runs', async () => {
  const { clock, live } = await scene()
  const spec = channel()
  const a = await live.subscribe(spec, subscriber('a'), silent, never)
  const lead = await live.lead(spec, subscriber('x'), silent, never)
  expect(clock.sleepers).toBe(0)
  const next = live.lead(spec, subscriber('y'), silent, never)
  expect(clock.sleepers).toBe(1)
  const abort = new AbortController()
  const receiving = lead.receive(room, abort.signal)
  await clock.advance(5_000)
  expect(clock.sleepers).toBe(0)
  abort.abort()
  expect(await receiving).toEqual([])
  expect(clock.sleepers).toBe(1)
  await clock.advance(999)
  await lead.renew(never)
  await clock.advance(999)
  expect(clock.sleepers).toBe(1)
  await clock.advance(1)
  const present = await next
  expect(clock.sleepers).toBe(0)
  await present.renew(never)
  const leaving = new AbortController()
  const left = live.lead(spec, subscriber('z'), silent, leaving.signal)
  expect(clock.sleepers).toBe(1)
  leaving.abort()
  await expect(left).rejects.toMatchObject({ code: 'ABORTED' })
  expect(clock.sleepers).toBe(0)
  await a[Symbol.asyncDispose]()
})

test('a fence is never given twice, not even by a channel that was made again', async () => {
  const { session, live } = await scene()
  const spec = channel()
  const lead = await live.lead(spec, subscriber('a'), silent, never)
  await session.admin.remove?.(spec, never)
  const again = await live.lead(spec, subscriber('a'), silent, never)
  expect(again.fence).not.toBe(lead.fence)
  const to = { id: 'w', incarnation: '1' }
  await live.subscribe(spec, subscriber('w'), silent, never)
  expect(await live.send(spec, [{ to, message: message('m') }], lead, never)).toEqual(['fenced'])
})

test.each(['when it asks', 'when it is disposed'])(
  'a lead whose lease has ended is told %s what it had not read, once',
  async (when) => {
    const { clock, session, live } = await scene()
    const spec = channel({ via: 'relay' })
    const gaps: unknown[] = []
    const on = { gap: (...gap: unknown[]) => gaps.push(gap) }
    const lead = await live.lead(spec, subscriber('a'), on, never)
    const publisher = await session.publisher(spec, never)
    const publish = (...sent: string[]) =>
      publisher.publish(
        sent.map((id) => message(id)),
        never,
      )
    await publish('1', '2', '3')
    expect(ids(await lead.receive({ messages: 1, bytes: 1_000 }, never))).toEqual(['1'])
    expect(gaps).toEqual([])
    await clock.advance(1_000)
    const next = await live.lead(spec, subscriber('b'), silent, never)
    await publish('4')
    if (when === 'when it asks') {
      await expect(lead.receive(room, never)).rejects.toMatchObject({ code: 'FENCED' })
    }
    await lead[Symbol.asyncDispose]()
    expect(gaps).toEqual([[2, 'reconnect']])
    expect(ids(await next.receive(room, never))).toEqual(['4'])
  },
)

test('a lead that leaves with nothing unread is told of nothing', async () => {
  const { session, live } = await scene()
  const spec = channel({ via: 'relay' })
  const gaps: unknown[] = []
  const lead = await live.lead(spec, subscriber('a'), { gap: (n) => gaps.push(n) }, never)
  await (await session.publisher(spec, never)).publish([message('1')], never)
  expect(ids(await lead.receive(room, never))).toEqual(['1'])
  await lead[Symbol.asyncDispose]()
  expect(gaps).toEqual([])
})

test('a candidate whose channel is removed is told', async () => {
  const { session, live } = await scene()
  const spec = channel()
  const lead = await live.lead(spec, subscriber('a'), silent, never)
  const waiting = live.lead(spec, subscriber('b'), silent, never)
  const told = expect(waiting).rejects.toMatchObject({ code: 'NOT_FOUND' })
  await session.admin.remove?.(spec, never)
  await told
  await expect(lead.receive(room, never)).rejects.toMatchObject({ code: 'FENCED' })
})

test('writing into the bytes of a message changes no copy of it', async () => {
  const { session, live } = await scene()
  const spec = channel({ pattern: 'broadcast' })
  const a = await live.subscribe(spec, subscriber('a'), silent, never)
  const b = await live.subscribe(spec, subscriber('b'), silent, never)
  const body = new Uint8Array([1, 2, 3])
  const publisher = await session.publisher(spec, never)
  await publisher.publish([message('m', { body })], never)
  body[0] = 9
  const [first] = await a.receive(room, never)
  if (first?.body instanceof Uint8Array) first.body[1] = 9
  const [second] = await b.receive(room, never)
  expect(second?.body).toEqual(new Uint8Array([1, 2, 3]))
})

test('what went while two sources changed places is told to the one that reads', async () => {
  const { open, live, session } = await scene()
  const spec = channel({ pattern: 'broadcast' })
  const gaps: unknown[] = []
  const hold = { messages: 2, bytes: 1_000_000 }
  await live.subscribe(spec, subscriber('a', { hold }), silent, never)
  const publisher = await session.publisher(spec, never)
  await publisher.publish(
    ['1', '2', '3'].map((id) => message(id)),
    never,
  )
  await session[Symbol.asyncDispose]()
  const on = { gap: (...gap: unknown[]) => gaps.push(gap) }
  const again = await liveOf(await open()).subscribe(spec, subscriber('a', { hold }), on, never)
  await turn()
  expect(gaps).toEqual([])
  expect(ids(await again.receive(room, never))).toEqual(['2', '3'])
  expect(gaps).toEqual([[1, 'overflow']])
})

test('who comes again has the lease and the bounds that it says now', async () => {
  const { clock, open, live } = await scene()
  const spec = channel()
  const to = { id: 'a', incarnation: '1' }
  const send = (...sent: string[]) =>
    live.send(
      spec,
      sent.map((id) => ({ to, message: message(id) })),
      null,
      never,
    )
  await live.subscribe(spec, subscriber('a'), silent, never)
  await clock.advance(999)
  const hold = { messages: 1, bytes: 1_000 }
  const wish = subscriber('a', { leaseMs: 5_000, hold })
  const again = await liveOf(await open()).subscribe(spec, wish, silent, never)
  expect(again.leaseMs).toBe(5_000)
  await clock.advance(4_999)
  expect(await send('1', '2')).toEqual(['handed', 'handed'])
  expect(ids(await again.receive(room, never))).toEqual(['2'])
  await clock.advance(5_000)
  expect(await send('3')).toEqual(['nobody'])
})
