import { expect, test } from 'vitest'
import { systemClock } from '../core/clock.ts'
import type { Publisher } from '../core/driver.ts'
import { NarrowcastError } from '../core/errors.ts'
import type { OutgoingMessage, PublishOutcome } from '../core/message.ts'
import { contracts } from '../drivers/memory/contract.ts'
import { virtualClock } from '../testing/virtualClock.ts'
import type { ChannelOptions, Receipt } from './api.ts'
import { planChannel } from './channelOptions.ts'
import { encode } from './envelope.ts'
import type { OpenedChannel } from './openedChannel.ts'
import { Outbox } from './outbox.ts'
import { untilAborted } from './untilAborted.ts'

const never = new Promise<never>(() => undefined)

type Answer = Receipt | NarrowcastError
type Send = (batch: readonly OutgoingMessage[], signal: AbortSignal) => Promise<PublishOutcome[]>

const stored: PublishOutcome = { state: 'stored', duplicate: false }
const allStored: Send = async (batch) => batch.map(() => stored)
const refused = (code: NarrowcastError['code']): PublishOutcome => ({
  state: 'refused',
  code,
  message: 'no',
})

/** An outbox over a publisher whose every send is decided by the test. */
function box(
  send: Send,
  options: ChannelOptions<never> = {},
  clock = systemClock,
  trouble: NarrowcastError | null = null,
) {
  const plan = planChannel('orders', 'queue', options, {})
  const publisher: Publisher = { publish: send, async [Symbol.asyncDispose]() {} }
  const opened = {
    contract: contracts.queue,
    publisher: async () => publisher,
  } as unknown as OpenedChannel
  const outbox = new Outbox({
    plan,
    driver: 'test',
    clock,
    random: () => 0.5,
    open: (signal) => (trouble ? untilAborted(never, signal) : Promise.resolve(opened)),
    forget: () => undefined,
    trouble: () => trouble,
    blocked: () => null,
  })
  const publish = (id: string, signal?: AbortSignal) =>
    new Promise<Answer>((resolve) => {
      outbox.add(encode(plan, id, { id }, 0), resolve, signal)
    })
  return { outbox, publish }
}

const codeOf = (answer: Answer) => (answer instanceof NarrowcastError ? answer.code : answer.id)

test('what is published in one turn travels in one batch, in order', async () => {
  const batches: string[][] = []
  const { publish } = box(async (batch) => {
    batches.push(batch.map(({ id }) => id))
    return batch.map(() => stored)
  })
  await Promise.all(['a', 'b', 'c'].map((id) => publish(id)))
  expect(batches).toEqual([['a', 'b', 'c']])
})

test('one batch is on its way at a time, and the order holds when the first one fails', async () => {
  const sent: string[] = []
  let isFirst = true
  let underWay = 0
  const { publish } = box(async (batch) => {
    expect(++underWay).toBe(1)
    await new Promise(setImmediate)
    underWay--
    if (isFirst) {
      isFirst = false
      late = publish('c')
      return batch.map(() => refused('UNAVAILABLE'))
    }
    sent.push(...batch.map(({ id }) => id))
    return batch.map(() => stored)
  })
  let late: Promise<Answer> | null = null
  await Promise.all([publish('a'), publish('b')])
  await late
  expect(sent).toEqual(['a', 'b', 'c'])
})

test('one refused message never spoils its neighbours', async () => {
  const { publish } = box(async (batch) =>
    batch.map(({ id }) => (id === 'b' ? refused('PAYLOAD_TOO_LARGE') : stored)),
  )
  const answers = await Promise.all(['a', 'b', 'c'].map((id) => publish(id)))
  expect(answers.map(codeOf)).toEqual(['a', 'PAYLOAD_TOO_LARGE', 'c'])
  expect(answers[1]).toMatchObject({ definite: true })
})

test('unknown is told, not sent again, where no dedupe makes that safe', async () => {
  let sends = 0
  const unknown: Send = async (batch) => {
    sends++
    return batch.map(() => ({ state: 'unknown', code: 'CONNECTION_LOST', message: 'cut' }))
  }
  const answer = await box(unknown).publish('a')
  expect(answer).toMatchObject({ code: 'CONNECTION_LOST', definite: false })
  expect(sends).toBe(1)
})

test.each([
  ['inside the dedupe window', { dedupe: { on: 'publish' } }],
  ['when the caller said always', { publish: { retry: 'always' } }],
] as const)('unknown is sent again, under the same id, %s', async (_, options) => {
  const ids: string[] = []
  const { publish } = box(async (batch) => {
    ids.push(...batch.map(({ id }) => id))
    return batch.map(() =>
      ids.length < 3 ? { state: 'unknown', code: 'CONNECTION_LOST', message: 'cut' } : stored,
    )
  }, options)
  expect(await publish('a')).toMatchObject({ id: 'a' })
  expect(ids).toEqual(['a', 'a', 'a'])
})

test('refused after unknown: it may have been stored all the same, and is told so', async () => {
  let sends = 0
  const { publish } = box(
    async (batch) =>
      batch.map(() =>
        sends++ === 0
          ? { state: 'unknown', code: 'CONNECTION_LOST', message: 'cut' }
          : refused('PAYLOAD_TOO_LARGE'),
      ),
    { publish: { retry: 'always' } },
  )
  expect(await publish('a')).toMatchObject({ code: 'PAYLOAD_TOO_LARGE', definite: false })
})

test('closing wakes who waits for room, and never spins', async () => {
  const gate = Promise.withResolvers<void>()
  const { outbox, publish } = box(
    async (batch) => {
      await gate.promise
      return batch.map(() => stored)
    },
    { inFlightMax: 1 },
  )
  const first = publish('a')
  const room = outbox.writable()
  const closed = outbox.close(new AbortController().signal)
  await room
  expect(outbox.isFull).toBe(true)
  gate.resolve()
  await closed
  expect(codeOf(await first)).toBe('a')
})

test('waiting for room ends with ABORTED when the caller gives up', async () => {
  const { outbox, publish } = box(() => new Promise(() => undefined), { inFlightMax: 1 })
  void publish('a')
  await expect(outbox.writable(AbortSignal.abort('enough'))).rejects.toMatchObject({
    code: 'ABORTED',
  })
})

test('a full outbox says BUSY, and writable() resolves when there is room', async () => {
  const gate = Promise.withResolvers<void>()
  const { outbox, publish } = box(
    async (batch) => {
      await gate.promise
      return batch.map(() => stored)
    },
    { inFlightMax: 2 },
  )
  const first = [publish('a'), publish('b')]
  expect(await publish('c')).toMatchObject({ code: 'BUSY', definite: true, retryable: true })
  const room = outbox.writable()
  gate.resolve()
  await room
  expect((await Promise.all(first)).map(codeOf)).toEqual(['a', 'b'])
  expect(codeOf(await publish('d'))).toBe('d')
})

test('a broker that never answers ends in TIMEOUT after the limit, not in memory', async () => {
  const clock = virtualClock()
  const { publish } = box(
    (batch, signal) =>
      new Promise((resolve) => {
        const unknown: PublishOutcome = { state: 'unknown', code: 'TIMEOUT', message: 'silence' }
        signal.addEventListener('abort', () => resolve(batch.map(() => unknown)))
      }),
    {},
    clock,
  )
  const answer = publish('a')
  await new Promise(setImmediate)
  await new Promise(setImmediate)
  await clock.advance(30_001)
  expect(await answer).toMatchObject({ code: 'TIMEOUT', definite: false })
})

test('without a connection to the end, TIMEOUT says why there is none', async () => {
  const clock = virtualClock()
  const hint = 'Start it.'
  const trouble = new NarrowcastError('CONNECT_FAILED', 'the broker is away', { hint })
  const { publish } = box(allStored, {}, clock, trouble)
  const answer = await clock.runUntil(publish('a'), 60_000)
  expect(answer).toMatchObject({ code: 'TIMEOUT', definite: true, hint, cause: trouble })
  expect((answer as NarrowcastError).message).toMatch(/30000 ms: the broker is away; it was not/)
})

test('a broker that keeps refusing is named with its reason at the end', async () => {
  const clock = virtualClock()
  const full = { ...refused('DISK_FULL'), hint: 'Make room.' }
  const { publish } = box(async (batch) => batch.map(() => full), {}, clock)
  const answer = publish('a')
  const told = { code: 'DISK_FULL', definite: true, hint: 'Make room.' }
  expect(await clock.runUntil(answer, 60_000)).toMatchObject(told)
})

test('an abort takes out what has not left, and leaves nothing behind', async () => {
  const sent: string[] = []
  const { publish } = box(async (batch) => {
    sent.push(...batch.map(({ id }) => id))
    return allStored(batch, new AbortController().signal)
  })
  const stop = new AbortController()
  const [a, b] = [publish('a', stop.signal), publish('b')]
  stop.abort()
  expect(await a).toMatchObject({ code: 'ABORTED', definite: true })
  expect(codeOf(await b)).toBe('b')
  expect(sent).toEqual(['b'])
})

test('closing flushes what waits and refuses what comes', async () => {
  const { outbox, publish } = box(allStored)
  const waiting = publish('a')
  const closed = outbox.close(new AbortController().signal)
  expect(await publish('b')).toMatchObject({ code: 'CLOSED' })
  await closed
  expect(codeOf(await waiting)).toBe('a')
})

test('says why the broker refuses for now, and for how long that is tried, until it is taken', async () => {
  const clock = virtualClock()
  let takes = false
  const send: Send = async (batch) => batch.map(() => (takes ? stored : refused('UNAVAILABLE')))
  const { outbox, publish } = box(send, {}, clock)
  expect(outbox.refusal).toBeNull()
  const publishing = publish('a')
  await clock.advance(5_000)
  expect(outbox.refusal).toEqual({ why: 'no', leftMs: 25_000 })
  takes = true
  await clock.advance(2_000)
  expect(codeOf(await publishing)).toBe('a')
  expect(outbox.refusal).toBeNull()
  takes = false
  const last = publish('b')
  await clock.advance(31_000)
  expect(codeOf(await last)).toBe('UNAVAILABLE')
  expect(outbox.refusal).toBeNull()
})
