import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { SubscriptionFrame, TelemetryFrame } from './frame.ts'
import { frameBytesMax } from './frames.ts'
import { nothingTimed } from './histogram.ts'
import { type Counts, TelemetrySender } from './sender.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

const nothing: Counts = { subscriptions: [], publishers: [], relays: [] }

function subscription(over: Partial<SubscriptionFrame> = {}): SubscriptionFrame {
  return {
    channel: 'orders',
    pattern: 'queue',
    group: null,
    worker: 'w-aaaaaaaa',
    ready: true,
    concurrency: 1,
    received: 1,
    acked: 1,
    retried: 0,
    dead: 0,
    errors: 0,
    late: 0,
    redelivered: 0,
    in_flight_count: 1,
    in_flight: [{ id: 'x'.repeat(100), for_ms: 5 }],
    latency: nothingTimed,
    ...over,
  }
}

function sender(counts: () => Counts) {
  const frames: TelemetryFrame[] = []
  const send = async (frame: TelemetryFrame) => frames.push(frame)
  return { frames, telemetry: new TelemetrySender({ bus: 'one', control: false, counts, send }) }
}

const seconds = (n: number) => vi.advanceTimersByTimeAsync(n * 1_000)

test('a frame each second while something happens, else every five', async () => {
  let published = 0
  const publishers = () => [{ channel: 'orders', pattern: 'queue', published, failed: 0 } as const]
  const { frames } = sender(() => ({ ...nothing, publishers: publishers() }))
  await seconds(1)
  expect(frames).toHaveLength(1)
  expect(frames[0]).toMatchObject({ v: 1, type: 'telemetry', pid: process.pid, every_ms: 5_000 })
  await seconds(10)
  expect(frames).toHaveLength(3)
  for (let second = 0; second < 3; second++) {
    published++
    await seconds(1)
  }
  expect(frames.map((frame) => frame.publishers[0]?.published)).toEqual([0, 0, 0, 1, 2, 3])
})

test('what is merely in flight for longer is nothing that happened', async () => {
  let forMs = 0
  const { frames } = sender(() => ({
    ...nothing,
    subscriptions: [subscription({ in_flight: [{ id: 'a', for_ms: forMs++ }] })],
  }))
  await seconds(4)
  expect(frames).toHaveLength(1)
})

test('parts add their sections, and cannot take the place of what is there', async () => {
  const { frames, telemetry } = sender(() => nothing)
  const forget = telemetry.add(() => ({ tables: [{ table: 'games', rows: 1 }], pid: 0 }))
  const forgetOther = telemetry.add(() => ({ tables: [{ table: 'bots', rows: 2 }] }))
  await seconds(1)
  const tables = [
    { table: 'games', rows: 1 },
    { table: 'bots', rows: 2 },
  ]
  expect(frames[0]).toMatchObject({ tables, pid: process.pid })
  forget()
  forgetOther()
  await seconds(1)
  expect(frames[1]).not.toHaveProperty('tables')
})

test('a broker that is away ends nothing, and nothing piles up', async () => {
  let tries = 0
  const answer = Promise.withResolvers<void>()
  const telemetry = new TelemetrySender({
    bus: 'one',
    control: false,
    counts: () => ({ ...nothing, relays: [] }),
    send: () => {
      tries++
      return answer.promise
    },
  })
  await seconds(20)
  expect(tries).toBe(1)
  answer.reject(new Error('away'))
  await seconds(5)
  expect(tries).toBe(2)
  await telemetry.close({ tells: true })
  expect(tries).toBe(3)
})

test('what does not fit into one frame is told in several, and what is too much is counted', async () => {
  let count = 100
  const counts = () => ({
    ...nothing,
    subscriptions: Array.from({ length: count }, (_, n) => subscription({ worker: `w-${n}` })),
  })
  const { frames } = sender(counts)
  await seconds(1)
  const told = frames.flatMap(({ subscriptions }) => subscriptions.map(({ worker }) => worker))
  expect(told).toEqual(counts().subscriptions.map(({ worker }) => worker))
  expect(frames.length).toBeGreaterThan(1)
  expect(frames.map(({ part, parts }) => [part, parts])).toEqual(
    frames.map((_, n) => [n, frames.length]),
  )
  count = 5_000
  frames.length = 0
  await seconds(1)
  const some = frames.reduce((sum, { subscriptions }) => sum + subscriptions.length, 0)
  expect(some).toBeGreaterThan(500)
  expect(new Set(frames.map(({ omitted }) => omitted))).toEqual(new Set([5_000 - some]))
  for (const frame of frames) {
    expect(Buffer.byteLength(JSON.stringify(frame))).toBeLessThanOrEqual(frameBytesMax)
  }
})

test('a section that is too much is left out, and leaves room for the rest', async () => {
  const { frames, telemetry } = sender(() => ({ ...nothing, subscriptions: [subscription()] }))
  telemetry.add(() => ({ tables: ['x'.repeat(20_000)] }))
  await seconds(1)
  expect(frames).toMatchObject([{ subscriptions: [{ channel: 'orders' }], omitted: 1 }])
  expect(frames[0]).not.toHaveProperty('tables')
})

test.for([
  [
    'throws',
    () => {
      throw new Error('broke')
    },
  ],
  ['is null', () => null],
  ['has no JSON form', () => ({ count: 1n })],
] as [string, () => Record<string, unknown>][])(
  'a section that %s is left out and told once; the rest goes on',
  async ([, section]) => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
    const { frames, telemetry } = sender(() => nothing)
    telemetry.add(section)
    telemetry.add(() => ({ more: [1] }))
    await seconds(12)
    expect(frames.length).toBeGreaterThan(1)
    expect(frames.every(({ more }) => JSON.stringify(more) === '[1]')).toBe(true)
    expect(warned).toHaveBeenCalledOnce()
    await telemetry.close({ tells: true })
    warned.mockRestore()
  },
)

test('the last frame goes out when it closes', async () => {
  const { frames, telemetry } = sender(() => nothing)
  await telemetry.close({ tells: true })
  expect(frames).toHaveLength(1)
  await seconds(10)
  expect(frames).toHaveLength(1)
})

test('where nobody can be told it ends all the same', async () => {
  const { frames, telemetry } = sender(() => nothing)
  await telemetry.close({ tells: false })
  await seconds(10)
  expect(frames).toEqual([])
})
