import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { median } from '../src/lab/statistics/median.ts'
import { type Bench, type Figure, figure } from './harness.ts'
import type { Reading } from './memory/child.ts'
import { type Curves, pass, stall } from './memory/flat.ts'

const settings = {
  messages: 10_000_000,
  batch: 500,
  bodyBytes: 100,
  stallMessages: 200_000,
} as const

const bars = '▁▂▃▄▅▆▇█'
const columns = 60

/** Memory over messages, from zero up. */
function sparkline(readings: readonly Reading[], messages: number): string {
  const highest = Math.max(...readings.map(({ rssMb }) => rssMb))
  return Array.from({ length: columns }, (_, column) => {
    const upTo = ((column + 1) / columns) * messages
    const last = readings.findLast(({ count }) => count <= upTo) ?? readings[0]
    return bars[Math.min(7, Math.floor(((last?.rssMb ?? 0) / highest) * 8))]
  }).join('')
}

/** The first tenth is warming up; then the middle of the last fifth beside that of the second tenth. */
function figuresOf(curves: Curves, messages: number): Figure[] {
  return (['publish', 'work'] as const).flatMap((role) => {
    const within = (from: number, to: number) =>
      curves[role]
        .filter(({ count }) => count >= from * messages && count <= to * messages)
        .map(({ rssMb }) => rssMb)
    const [early, late] = [median(within(0.1, 0.2)), median(within(0.8, 1))]
    return [
      figure(`${role}: memory at a tenth of the messages`, 'MB', [early]),
      figure(`${role}: memory at the end`, 'MB', [late]),
      figure(`${role}: growth between the two`, 'B/message', [
        ((late - early) * 1_048_576) / (0.75 * messages),
      ]),
    ]
  })
}

export const bench: Bench = {
  name: 'memory',
  about: 'memory of a publisher and a worker while messages pass, and while a broker is silent',
  async run(report) {
    const { messages, batch, bodyBytes, stallMessages } = settings
    const dir = await mkdtemp(join(tmpdir(), 'narrowcast-bench-'))
    try {
      let told = 0
      const curves = await pass({ dir, messages, batch, bodyBytes }, (settled) => {
        if (settled - told < messages / 10) return
        told = settled
        report(`${settled.toLocaleString('en')} of ${messages.toLocaleString('en')} messages`)
      })
      for (const role of ['publish', 'work'] as const) {
        report(`${role.padEnd(7)} ${sparkline(curves[role], messages)}  0 to its highest`)
      }
      const task = { dir: join(dir, 'stalled'), messages: stallMessages, batch, bodyBytes }
      const { answers, grownMb } = await stall(task)
      report(`a silent broker: ${JSON.stringify(answers)}`)
      const refused = answers.BUSY ?? 0
      return {
        settings,
        figures: [
          ...figuresOf(curves, messages),
          figure('a silent broker: publishes refused BUSY', 'messages', [refused]),
          figure('a silent broker: publishes that were told stored', 'messages', [
            answers.stored ?? 0,
          ]),
          figure('a silent broker: memory grown at most', 'MB', [grownMb]),
        ],
        curves: {
          publish: curves.publish.map(({ count, rssMb }) => [count, Math.round(rssMb)]),
          work: curves.work.map(({ count, rssMb }) => [count, Math.round(rssMb)]),
        },
      }
    } finally {
      await rm(dir, { recursive: true, force: true })
    }
  },
}
