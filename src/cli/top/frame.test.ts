import { expect, test } from 'vitest'
import { nothingTimed } from '../../runtime/telemetry/histogram.ts'
import type { WorkerView } from '../../runtime/telemetry/view.ts'
import { displayWidth } from '../output/displayWidth.ts'
import { makeLook } from '../output/style.ts'
import { type FrameFacts, topFrame } from './frame.ts'
import { History } from './history.ts'
import type { ChannelRow } from './snapshot.ts'

const worker = (name: string, state: WorkerView['state']): WorkerView => ({
  ...{ worker: name, state, channel: 'lib.server.lobby', pattern: 'queue', group: null },
  ...{ host: 'h', pid: 1, version: '0.1.0', control: false, memoryMb: 1, loopP99Ms: 0 },
  ...{ startMs: 0, ackedPerSecond: 31, recent: nothingTimed, latency: nothingTimed },
  ...{ ready: true, concurrency: 1, received: 0, acked: 0, retried: 0, dead: 0, errors: 0 },
  ...{ late: 0, redelivered: 0, in_flight_count: state === 'busy' ? 1 : 0, in_flight: [] },
})

const none = { inFlight: null, dead: null, oldestMs: null, p95Ms: null, readers: [], relays: [] }
const crew = [
  worker('w1-aaaaaaaa', 'busy'),
  worker('w2-aaaaaaaa', 'idle'),
  worker('w3-aaaaaaaa', 'silent'),
]
const channels: readonly ChannelRow[] = [
  {
    ...{ channel: 'lib.server.lobby', pattern: 'queue', waiting: 1_354, inFlight: 4, dead: 3 },
    ...{ oldestMs: 11_500, inPerS: 118, outPerS: 93, isTold: false, p95Ms: 112 },
    ...{ isPaused: true, readers: crew, relays: [] },
  },
  {
    ...{ ...none, channel: 'player.direct', pattern: 'narrowcast', waiting: null },
    ...{ inPerS: 37, outPerS: 37, isTold: true, isPaused: false },
  },
]

function facts(wish: Partial<FrameFacts> & { ascii?: boolean; channels?: readonly ChannelRow[] }) {
  const history = new History()
  const totals = { inPerS: 155, outPerS: 130, waiting: 1_354, p95Ms: 112 }
  const snapshot = {
    ...{ timeMs: 60_000, channels: wish.channels ?? channels, workers: crew },
    ...{ ...totals, refusedFrames: 0 },
  }
  for (const waiting of [10, 9_310, 1_354]) history.take({ ...snapshot, waiting })
  const { ascii = false } = wish
  return {
    ...{ snapshot, history, events: [' 00:00:40  w3 is silent'], selected: 0, url: 'file:./store' },
    ...{ environment: null, sinceMs: 0, isPaused: false, trouble: null, hasKeys: true, utc: true },
    look: makeLook({ noColor: true, ascii, env: {}, isTerminal: false }),
    ...wish,
  }
}

test('80 columns: graphs in pairs, the marked channel, its readers, what happened, the keys', () => {
  const lines = topFrame(facts({}), 80, 12)
  expect(lines).toEqual([
    'narrowcast top  file:./store  2 channels  3 readers  since 00:00:00',
    ' IN                          ███ 155/s   WAITING           ▁█▂ 1,354 max 9,310',
    ' OUT                         ███ 130/s   p95             ███ 112 ms max 112 ms',
    ' CHANNEL                    WAITING     IN    OUT     P95  OLDEST  DEAD  READERS',
    '>lib.server.lobby (paused)    1,354  118/s   93/s  112 ms  11.5 s     3  ●●○',
    ' player.direct                    -  ~37/s  ~37/s       -       -     -  -',
    ...['', '', ''],
    ' lib.server.lobby: w1 busy 1 in hand   w2 idle   w3 silent',
    ' 00:00:40  w3 is silent',
    ' ↑↓ move   p pause   q quit',
  ])
})

test('40 columns in ASCII: a line for each graph, fewer columns of the table', () => {
  const lines = topFrame(facts({ ascii: true, hasKeys: false, selected: 1 }), 40, 13)
  expect(lines.slice(0, 2)).toEqual([
    'narrowcast top  file:./store',
    '2 channels  3 readers  since 00:00:00',
  ])
  expect(lines.slice(2, 6).map((line) => line.slice(0, 9))).toEqual([
    ...[' IN      ', ' WAITING ', ' OUT     ', ' p95     '],
  ])
  expect(lines[3]).toContain('091')
  expect(lines.slice(6, 9)).toEqual([
    ' CHANNEL                WAITING  READERS',
    ' lib.server.lobby (...    1,354  **o',
    '>player.direct                -  -',
  ])
  expect(lines.slice(-3)).toEqual([
    ' player.direct: nobody tells that it ...',
    ' 00:00:40  w3 is silent',
    ' Ctrl-C quits',
  ])
})

test.for([40, 60, 80, 120, 200])(
  '%i columns: nothing is wider or higher than the window',
  (columns) => {
    const many = Array.from({ length: 50 }, (_, n) => ({
      ...(channels[0] as ChannelRow),
      channel: `a.channel.with.a.rather.long.name.${n}`,
    }))
    for (const rows of [12, 24, 60]) {
      const trouble = 'the last look failed: file did not answer in 10000 ms'
      const lines = topFrame(facts({ channels: many, selected: 40, trouble }), columns, rows)
      expect(lines.filter((line) => displayWidth(line) > columns)).toEqual([])
      expect(lines).toHaveLength(rows)
      const marked = lines.filter((line) => line.startsWith('>'))
      expect(marked).toHaveLength(1)
      if (columns >= 120) expect(marked[0]).toContain('long.name.40')
      expect(lines.some((line) => line.includes('! the last look'))).toBe(true)
    }
  },
)

test('a channel without a name of harm, and no channel at all', () => {
  const evil = [{ ...(channels[1] as ChannelRow), channel: 'x\u001b[2J' }]
  expect(topFrame(facts({ channels: evil }), 80, 12).join('')).not.toContain('\u001b')
  expect(topFrame(facts({ channels: [] }), 80, 12)).toContain(' no channels yet')
})

test('a channel by relay tells who leads', () => {
  const relays = [
    { worker: 'relay-aaaaaaaa', leads: false },
    { worker: 'relay-bbbbbbbb', leads: true },
  ]
  const row = { ...(channels[0] as ChannelRow), relays, readers: [] }
  expect(topFrame(facts({ channels: [row] }), 80, 12)).toContain(
    ' lib.server.lobby: relay-aa stands by   relay-bb leads',
  )
})

test('more than ten readers are a number', () => {
  const readers = Array.from({ length: 11 }, (_, n) =>
    worker(`w${n}-aaaaaaaa`, n ? 'idle' : 'silent'),
  )
  const row = { ...(channels[0] as ChannelRow), readers }
  expect(topFrame(facts({ channels: [row] }), 200, 12).join('\n')).toContain('11, 1 not ready')
})
