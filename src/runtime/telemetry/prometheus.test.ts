import { expect, test } from 'vitest'
import type { Depth } from '../../core/driver.ts'
import { Histogram } from './histogram.ts'
import { prometheusText } from './prometheus.ts'
import { TelemetryView } from './view.ts'

const depth: Depth = {
  ...{ waiting: 3, inFlight: 1, scheduled: 'unknown', dead: 0, stored: 4, in: 9, out: 5 },
  ...{ oldestMs: 1_500, paused: false, order: 'none' },
}

function view(latencies: readonly number[], buses = ['one']): TelemetryView {
  const latency = new Histogram()
  for (const ms of latencies) latency.record(ms)
  const seen = new TelemetryView(() => 0)
  for (const bus of buses)
    seen.take({
      ...{ v: 1, type: 'telemetry', host: 'h"1\\', pid: 7, start: '2026-11-21T08:00:00.000Z' },
      ...{ bus, part: 0, parts: 1, omitted: 2 },
      ...{ every_ms: 5_000, version: '0.1.0', control: false, memory_mb: 2, loop_p99_ms: 4 },
      subscriptions: [
        {
          ...{
            channel: 'orders',
            pattern: 'queue',
            group: null,
            worker: 'w-aaaaaaaa',
            ready: true,
          },
          ...{ concurrency: 1, received: 3, acked: 2, retried: 1, dead: 0, errors: 1, late: 0 },
          ...{ redelivered: 0, in_flight_count: 0, in_flight: [], latency: latency.data },
        },
      ],
      publishers: [{ channel: 'orders', pattern: 'queue', published: 9, failed: 2 }],
      relays: [],
    })
  return seen
}

const lines = (text: string, begin: string) =>
  text.split('\n').filter((line) => line.startsWith(begin))

test('what the broker counts and what processes tell, each with its labels', () => {
  const channel = { name: 'orders', pattern: 'queue' } as const
  const text = prometheusText([{ channel, depth, groups: [] }], view([]))
  expect(lines(text, 'narrowcast_waiting')).toEqual([
    'narrowcast_waiting{channel="orders",pattern="queue"} 3',
  ])
  expect(text).toContain('# TYPE narrowcast_published_total counter\n')
  expect(lines(text, 'narrowcast_oldest_seconds')[0]).toMatch(/ 1\.5$/)
  expect(lines(text, 'narrowcast_worker_acked_total')).toEqual([
    'narrowcast_worker_acked_total{channel="orders",pattern="queue",worker="w-aaaaaaaa",host="h\\"1\\\\"} 2',
  ])
  expect(lines(text, 'narrowcast_publisher_failed_total')[0]).toMatch(/pid="7"} 2$/)
  expect(lines(text, 'narrowcast_process_memory_bytes')[0]).toMatch(/ 2097152$/)
  expect(text.endsWith('\n')).toBe(true)
})

test('what is unknown is left out, and so is a metric without a sample', () => {
  const channel = { name: 'orders', pattern: 'queue' } as const
  const text = prometheusText([{ channel, depth, groups: [] }], view([]))
  expect(text).not.toContain('narrowcast_scheduled')
  expect(text).not.toContain('narrowcast_relay')
  expect(prometheusText([], new TelemetryView(() => 0))).toBe('')
})

test('times are cumulative, and a bucket holds what took at most so long', () => {
  const text = prometheusText([], view([0.5, 1, 1.5, 3_000, 1e9]))
  const at = (le: string) =>
    Number(
      lines(text, 'narrowcast_worker_latency_seconds_bucket')
        .find((one) => one.includes(`le="${le}"`))
        ?.split(' ')[1],
    )
  expect([at('0.0005'), at('0.001'), at('0.002'), at('2.048'), at('4.096'), at('+Inf')]).toEqual([
    1, 2, 3, 3, 4, 5,
  ])
})

test('two buses of one process make no sample twice: publishers are added up', () => {
  const all = prometheusText([], view([], ['one', 'two'])).split('\n')
  const samples = all.filter((line) => !line.startsWith('#') && !line.includes('_worker_'))
  const names = samples.map((line) => line.slice(0, line.lastIndexOf(' ')))
  expect(new Set(names).size).toBe(names.length)
  expect(all.find((line) => line.startsWith('narrowcast_publisher_published'))).toMatch(/ 18$/)
  expect(all).toContain('narrowcast_telemetry_omitted 4')
})
