import { expect, test } from 'vitest'
import type { ChannelRef } from '../../core/channel.ts'
import { memory } from '../../drivers/memory/index.ts'
import { createBus } from '../../runtime/bus.ts'
import { nothingTimed } from '../../runtime/telemetry/histogram.ts'
import type { WorkerView } from '../../runtime/telemetry/view.ts'
import { virtualClock } from '../../testing/virtualClock.ts'
import { Changes } from './changes.ts'
import { Looker } from './snapshot.ts'

const clock = virtualClock()

test('each look asks for 100 channels in a call; rates are between two looks', async () => {
  const bus = await createBus(memory({ clock }), { clock })
  for (let n = 0; n < 250; n++) await clock.runUntil(bus.queue(`q${n}`).opened())
  const asked: number[] = []
  const depths = (refs: readonly ChannelRef[]) => {
    asked.push(refs.length)
    return bus.admin.depths(refs)
  }
  const watched = { ...bus, admin: { ...bus.admin, depths } }
  const looker = new Looker(watched, null, clock)
  const first = await clock.runUntil(looker.look())
  expect(asked).toEqual([100, 100, 50])
  expect(first.channels).toHaveLength(250)
  expect([first.waiting, first.inPerS, first.outPerS, first.p95Ms]).toEqual([0, null, null, null])
  for (let n = 0; n < 6; n++) await clock.runUntil(bus.queue('q7').publish(n))
  await clock.advance(2_000)
  const second = await clock.runUntil(looker.look())
  expect([second.waiting, second.inPerS, second.outPerS]).toEqual([6, 3, 0])
  expect(second.channels[0]).toMatchObject({ channel: 'q7', waiting: 6, inPerS: 3, isTold: false })
  await clock.runUntil(bus.close())
})

const worker = (name: string, state: WorkerView['state'] = 'idle'): WorkerView => ({
  ...{ worker: name, state, channel: 'rooms', pattern: 'broadcast', group: null },
  ...{ host: 'h', pid: 7, version: '0.1.0', control: false, memoryMb: 1, loopP99Ms: 0 },
  ...{ startMs: 1_000, ackedPerSecond: 10, latency: nothingTimed },
  recent: { scale: 3, count: 10, sum_ms: 10, buckets: { 0: 10 } },
  ...{ ready: true, concurrency: 1, received: 0, acked: 0, retried: 0, dead: 0, errors: 0 },
  ...{ late: 0, redelivered: 0, in_flight_count: 0, in_flight: [] },
})

test('a channel that only processes know is there, with the rates that they tell', async () => {
  const bus = await createBus(memory({ clock }), { clock })
  const publisher = {
    ...({ channel: 'rooms', pattern: 'broadcast', published: 20, failed: 0 } as const),
    ...{ host: 'h', pid: 8, publishedPerSecond: 20 },
  }
  const view = {
    workers: [worker('w1'), worker('w2')],
    publishers: [publisher],
    relays: [],
    refused: 3,
  }
  const snapshot = await clock.runUntil(new Looker(bus, view, clock).look())
  expect(snapshot.channels).toMatchObject([
    { channel: 'rooms', waiting: null, inPerS: 20, outPerS: 20, isTold: true },
  ])
  expect(snapshot.channels[0]?.p95Ms).toBeGreaterThan(0)
  expect([snapshot.workers.length, snapshot.refusedFrames]).toEqual([2, 3])
  await clock.runUntil(bus.close())
})

test('who came, fell silent, told again and went', () => {
  const [late, early] = [new Changes(1_001), new Changes(1_000)]
  const next = (changes: Changes, ...workers: readonly WorkerView[]) =>
    changes.next(workers).map((one) => `${one.worker} ${one.what}`)
  expect(next(late, worker('w1'))).toEqual([])
  expect(next(early, worker('w1'), worker('w2', 'busy'))).toEqual(['w1 came', 'w2 came'])
  expect(next(early, worker('w1', 'not ready'))).toEqual(['w2 gone'])
  expect(next(early, worker('w1', 'silent'))).toEqual(['w1 silent'])
  expect(next(early, worker('w1', 'silent'))).toEqual([])
  expect(next(early, worker('w1', 'busy'))).toEqual(['w1 back'])
  expect(next(early)).toEqual(['w1 gone'])
})
