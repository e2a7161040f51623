import { expect, test } from 'vitest'
import type { SubscriptionFrame, TelemetryFrame } from './frame.ts'
import { Histogram, nothingTimed, quantileMs } from './histogram.ts'
import { TelemetryView } from './view.ts'

function view() {
  const clock = { ms: 0 }
  return { clock, seen: new TelemetryView(() => clock.ms) }
}

function frame(over: Partial<TelemetryFrame> = {}): TelemetryFrame {
  return {
    v: 1,
    type: 'telemetry',
    host: 'h1',
    pid: 1,
    start: '2026-11-21T08:00:00.000Z',
    bus: 'one',
    part: 0,
    parts: 1,
    omitted: 0,
    every_ms: 5_000,
    version: '0.1.0',
    control: false,
    memory_mb: 70,
    loop_p99_ms: 1,
    subscriptions: [],
    publishers: [],
    relays: [],
    ...over,
  }
}

function subscription(over: Partial<SubscriptionFrame> = {}): SubscriptionFrame {
  return {
    ...{ channel: 'orders', pattern: 'queue', group: null, worker: 'w-aaaaaaaa', ready: true },
    ...{ concurrency: 1, received: 0, acked: 0, retried: 0, dead: 0, errors: 0, late: 0 },
    ...{ redelivered: 0, in_flight_count: 0, in_flight: [], latency: nothingTimed },
    ...over,
  }
}

test('rates and times are of what came between the last two frames', () => {
  const { clock, seen } = view()
  const latency = new Histogram()
  for (let n = 0; n < 100; n++) latency.record(1_000)
  const first = subscription({ acked: 100, latency: latency.data })
  seen.take(frame({ subscriptions: [first] }))
  expect(seen.workers[0]).toMatchObject({ acked: 100, ackedPerSecond: null, state: 'idle' })
  clock.ms = 2_000
  for (let n = 0; n < 50; n++) latency.record(10)
  const second = subscription({ acked: 150, in_flight_count: 1, latency: latency.data })
  seen.take(frame({ subscriptions: [second] }))
  const [worker] = seen.workers
  expect(worker).toMatchObject({ acked: 150, ackedPerSecond: 25, state: 'busy', host: 'h1' })
  expect(quantileMs(worker?.recent ?? nothingTimed, 0.99)).toBeCloseTo(10, 0)
})

test('three missing frames make a process silent, half a minute makes it gone', () => {
  const { clock, seen } = view()
  seen.take(frame({ subscriptions: [subscription()] }))
  clock.ms = 15_000
  expect(seen.workers[0]?.state).toBe('idle')
  clock.ms = 15_001
  expect(seen.workers[0]?.state).toBe('silent')
  clock.ms = 30_001
  expect(seen.workers).toEqual([])
})

test('a process that starts anew is another one, and its totals begin at zero', () => {
  const { clock, seen } = view()
  const publishers = (published: number) => [
    { channel: 'orders', pattern: 'queue', published, failed: 0 } as const,
  ]
  seen.take(frame({ publishers: publishers(100) }))
  clock.ms = 1_000
  seen.take(frame({ publishers: publishers(3), start: '2026-11-21T08:00:01.000Z' }))
  expect(seen.publishers.map(({ publishedPerSecond }) => publishedPerSecond)).toEqual([null, null])
})

test('what is no frame is counted and changes nothing', () => {
  const { seen } = view()
  const latency = { ...nothingTimed, buckets: { __proto__x: 1 } }
  const wrong: unknown[] = [
    ...[null, 7, 'text', [], {}],
    frame({ v: 2 as never }),
    frame({ start: 'yesterday' }),
    frame({ subscriptions: [subscription({ acked: Number.NaN })] }),
    frame({ subscriptions: [subscription({ latency })] }),
    frame({ subscriptions: {} as never }),
  ]
  for (const one of wrong) seen.take(one)
  expect(seen.refused).toBe(wrong.length)
  expect(seen.processes).toEqual([])
})

test('strangers cannot fill the memory', () => {
  const { seen } = view()
  for (let pid = 0; pid < 10_010; pid++) seen.take(frame({ pid }))
  expect(seen.processes).toHaveLength(10_000)
  expect(seen.refused).toBe(10)
})

test('two buses of one process are two, and so are the parts of one', () => {
  const { seen } = view()
  const tell = (bus: string, part: number, parts: number, ...workers: string[]) =>
    seen.take(
      frame({ bus, part, parts, subscriptions: workers.map((worker) => subscription({ worker })) }),
    )
  tell('one', 0, 2, 'a', 'b')
  tell('one', 1, 2, 'c')
  tell('two', 0, 1, 'd')
  expect(seen.workers.map(({ worker }) => worker)).toEqual(['a', 'b', 'c', 'd'])
  tell('one', 0, 1, 'a', 'c')
  expect(seen.workers.map(({ worker }) => worker)).toEqual(['a', 'c', 'd'])
})

test('what is known of workers that are gone is forgotten', () => {
  const { clock, seen } = view()
  for (let n = 0; n < 1_000; n++) {
    seen.take(frame({ subscriptions: [subscription({ worker: `w-${n}`, in_flight_count: 3 })] }))
  }
  expect(seen.load('w-0')).toBeNull()
  expect(seen.load('w-999')).toEqual({ inHand: 3, atMs: 0 })
  clock.ms = 30_001
  expect(seen.load('w-999')).toBeNull()
})

test('what frames had no room for is counted once for each bus', () => {
  const { seen } = view()
  seen.take(frame({ part: 0, parts: 2, omitted: 7 }))
  seen.take(frame({ part: 1, parts: 2, omitted: 7 }))
  seen.take(frame({ bus: 'two', omitted: 1 }))
  expect(seen.omitted).toBe(8)
})
