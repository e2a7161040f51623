import { expect, it } from 'vitest'
import type { WorkerView } from '../../runtime/telemetry/view.ts'
import { tableLines } from '../output/table.ts'
import { shortNames } from './shortNames.ts'
import { workerColumns } from './workerTable.ts'

const histogram = { count: 0, buckets: [] } as unknown as WorkerView['latency']
const worker = (id: string, group: string | null) =>
  ({
    ...{ worker: id, channel: 'combat.events.of.all.heroes', group, state: 'overloaded' },
    ...{
      in_flight_count: 1,
      in_flight: [{ id: '01a1f8d3-ea00-7c2b-9d41-6f02c1a93b7e', for_ms: 9 }],
    },
    ...{ acked: 123_456, ackedPerSecond: 400, latency: histogram, recent: histogram },
    ...{ retried: 0, late: 0, errors: 0, memoryMb: 90, host: 'h', pid: 1, startMs: 0 },
  }) as unknown as WorkerView

it.for([80, 60, 44, 36])('no short name is cut in a window of %i columns', (width) => {
  const ids = ['podium.writer.of.games-1a2b3c4d', 'podium.writer.of.games-1a2c3c4d']
  const short = shortNames(ids)
  const rows = ids.map((id) => worker(id, 'billing'))
  const look = { wide: false, paint: (_: unknown, text: string) => text, ellipsis: '…' }
  const [, ...lines] = tableLines(workerColumns(short, 1), rows, { ...look, width })
  expect(lines.map((line) => line.split(' ')[0])).toEqual(ids.map((id) => short.get(id)))
})
