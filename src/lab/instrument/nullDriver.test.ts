import { expect, onTestFinished, test } from 'vitest'
import type { ReaderSpec } from '../../core/channel.ts'
import type { Session } from '../../core/driver.ts'
import type { Delivery, OutgoingMessage } from '../../core/message.ts'
import { createBus } from '../../runtime/bus.ts'
import { nullDriver } from './nullDriver.ts'

const never = new AbortController().signal
const lots = { messages: 100, bytes: 1_000_000 }

async function queue(...numbers: readonly number[]) {
  const session: Session = await nullDriver().open({ closed: () => {} }, never)
  const spec = { name: 'jobs' } as Parameters<Session['publisher']>[0]
  const publisher = await session.publisher(spec, never)
  const reader = { reader: 'r', leaseMs: 1_000 } as ReaderSpec
  const source = await session.source(spec, reader, { lost: () => {} }, never)
  const put = (...all: readonly number[]) => publisher.publish(all.map(message), never)
  const said = await put(...numbers)
  return { put, said, source }
}

function message(n: number): OutgoingMessage {
  const about = { id: String(n), key: null, timeMs: 0, headers: {}, type: 't', source: 's' }
  return { ...about, delayMs: 0, redrives: 0, dedupeId: null, body: Buffer.alloc(10, n) }
}

test('what is published is handed over once, in its order, and can be acked', async () => {
  const { source, said } = await queue(1, 2, 3)
  expect(said.map(({ state }) => state)).toEqual(['stored', 'stored', 'stored'])
  const taken = await source.receive(lots, never)
  expect(taken.map((one) => [one.message.id, one.message.bytes])).toEqual([
    ['1', 10],
    ['2', 10],
    ['3', 10],
  ])
  expect(new Set(taken.map(({ token }) => token.serial)).size).toBe(3)
  const acks = taken.map(({ token }) => ({ token, kind: 'ack' }) as const)
  expect(await source.settle(acks, never)).toEqual(['settled', 'settled', 'settled'])
})

test('no more is handed over than there is room for; one message may exceed its bytes alone', async () => {
  const { source } = await queue(1, 2, 3, 4, 5)
  const take = async (messages: number, bytes: number) =>
    (await source.receive({ messages, bytes }, never)).map(({ message: { id } }) => id)
  expect(await take(2, 1_000)).toEqual(['1', '2'])
  expect(await take(9, 20)).toEqual(['3', '4'])
  expect(await take(9, 1)).toEqual(['5'])
})

test('who takes waits until something comes', async () => {
  const { source, put } = await queue()
  const taking = source.receive(lots, never)
  await put(7)
  expect((await taking).map((one) => one.message.id)).toEqual(['7'])
})

test.for(['aborted', 'stopped', 'disposed'] as const)(
  'who waits is %s with nothing',
  async (how) => {
    const { source } = await queue()
    const aborting = new AbortController()
    const taking = source.receive(lots, aborting.signal)
    if (how === 'aborted') aborting.abort()
    else if (how === 'stopped') expect(await source.stop(never)).toEqual([])
    else await source[Symbol.asyncDispose]()
    expect(await taking).toEqual([])
  },
)

test('all but an ack is refused', async () => {
  const { source } = await queue(1)
  const [taken] = await source.receive(lots, never)
  const { token } = taken as Delivery
  await expect(
    source.settle([{ token, kind: 'release', delayMs: 0 }], never),
  ).rejects.toMatchObject({
    code: 'UNSUPPORTED',
  })
})

test('a bus runs on it: several workers share what is published', async () => {
  const bus = await createBus(nullDriver())
  onTestFinished(() => bus.close())
  const channel = bus.queue<number>('jobs')
  const got: number[] = []
  const all = Promise.withResolvers<void>()
  for (let n = 0; n < 2; n++) {
    channel.subscribe((value) => {
      if (got.push(value as number) === 100) all.resolve()
    })
  }
  const numbers = Array.from({ length: 100 }, (_, n) => n)
  await Promise.all(numbers.map((n) => channel.publish(n)))
  await all.promise
  expect(got.toSorted((a, b) => a - b)).toEqual(numbers)
})
