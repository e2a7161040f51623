import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { SideReport } from './encoders/encodersBody.ts'
import { type Bench, type Figure, figure } from './harness.ts'

const settings = {
  table: 'GAME_PODIUM, 6 columns and 4 marks',
  rows: 300_000,
  rowsPerBatch: 50_000,
  rowsPerCheck: 1_000,
  rowsPerGroup: 5_000,
  levels: 'zstd 3 (NDJSON 1), gzip 6',
  sync: 'fdatasync at the end; none for the bare package',
  warmUpRows: 50_000,
  runs: 5,
} as const

/** Each in a process of its own. `bare`: the package alone; `encode`: rows checked before. */
const sides = [
  'parquet zstd, bare',
  'parquet zstd, encode',
  'parquet zstd, with check',
  'parquet gzip, bare',
  'parquet gzip, encode',
  'parquet gzip, with check',
  'parquet none, encode',
  'ndjson zstd, encode',
  'ndjson zstd, with check',
  'ndjson gzip, encode',
  'ndjson none, encode',
] as const
type Side = (typeof sides)[number]

export const bench: Bench = {
  name: 'parquet',
  about: 'rows/s into Parquet and NDJSON, beside the bare Parquet package',
  async run(report) {
    const taken = new Map<Side, SideReport[]>(sides.map((side) => [side, []]))
    const idle: number[] = []
    for (let run = 0; run < settings.runs; run++) {
      idle.push((await child('nothing')).rssMb)
      for (const side of sides) taken.get(side)?.push(await child(side))
      report(`run ${run + 1} of ${settings.runs} done`)
    }
    return { settings, figures: figures(taken, idle) }
  },
}

function figures(taken: ReadonlyMap<Side, readonly SideReport[]>, idle: readonly number[]) {
  const runs = (side: Side, what: keyof SideReport) =>
    (taken.get(side) ?? []).map((run) => run[what])
  const rate = (side: Side, against?: Figure) =>
    figure(side, 'rows/s', runs(side, 'rowsPerSecond'), {
      lost: runs(side, 'lost').reduce((sum, lost) => sum + lost, 0),
      ...(against ? { against } : {}),
    })
  const zstd = rate('parquet zstd, bare')
  const gzip = rate('parquet gzip, bare')
  const beside = (side: Side) =>
    side.startsWith('parquet zstd') ? zstd : side.startsWith('parquet gzip') ? gzip : undefined
  const rates = sides.map((side) => {
    const against = beside(side)
    return against?.what === side ? against : rate(side, against)
  })
  const ours = sides.filter((side) => !side.endsWith('bare'))
  return [
    ...rates,
    ...ours.map((side) => figure(`longest stop, ${side}`, 'ms', runs(side, 'longestStopMs'))),
    ...ours
      .filter((side) => side.endsWith('encode'))
      .map((side) => figure(`size, ${side}`, 'MB', runs(side, 'megabytes'))),
    figure('peak memory, nothing but the rows', 'MB', idle),
    ...(['parquet zstd, bare', 'parquet zstd, with check', 'ndjson zstd, with check'] as const).map(
      (side) => figure(`peak memory, ${side}`, 'MB', runs(side, 'rssMb')),
    ),
  ]
}

async function child(side: Side | 'nothing'): Promise<SideReport> {
  const body = join(import.meta.dirname, 'encoders', 'encodersBody.ts')
  const process = fork(body, [side, String(settings.rows / settings.rowsPerBatch)])
  const ended = once(process, 'exit')
  const report = new Promise<SideReport>((resolve) => process.once('message', resolve))
  const [code] = await ended
  if (code !== 0) throw new Error(`bench/encoders: "${side}" ended with ${code}`)
  return report
}
