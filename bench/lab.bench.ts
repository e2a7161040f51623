import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Bench, type Figure, figure, type Measured, type Target } from './harness.ts'
import type { Calibrated } from './lab/calibrateChild.ts'
import type { Checked } from './lab/checkerChild.ts'
import type { Written } from './lab/ledgerChild.ts'
import { makeRun } from './lab/madeRun.ts'
import { measureProxy, proxySettings } from './lab/proxy.ts'

const settings = {
  messages: 1_000_000,
  producers: 2,
  workers: 4,
  recordsPerMessage: 5,
  oneComesAgainOf: 25,
  ledgerRecords: 500_000,
  runs: 5,
  ...proxySettings,
} as const

const execute = promisify(execFile)

/** Read and compiled before, as the package is: to read TypeScript takes 30 MB of a process. */
const compiled = join(import.meta.dirname, '..', '.narrowcast', 'compiled')
const env = { ...process.env, NODE_COMPILE_CACHE: compiled }

/** What a process of its own, started anew, has measured. */
async function measure<T>(body: string, ...args: string[]): Promise<T> {
  const path = join(import.meta.dirname, 'lab', body)
  const { stdout } = await execute(process.execPath, [path, ...args], { env })
  return JSON.parse(stdout) as T
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'narrowcast-bench-lab-'))
  try {
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function checkRuns(): Promise<Checked[]> {
  const { messages, producers, workers, oneComesAgainOf, runs } = settings
  return await inFolder(async (folder) => {
    await makeRun(folder, { messages, producers, workers, oneFailsOf: oneComesAgainOf * workers })
    const checked: Checked[] = []
    for (let run = 0; run < runs; run++) checked.push(await measure('checkerChild.ts', folder))
    return checked
  })
}

async function writeRuns(mode: 'exact' | 'batched'): Promise<number[]> {
  const micros: number[] = []
  for (let run = 0; run < settings.runs; run++) {
    const written = await inFolder((folder) =>
      measure<Written>('ledgerChild.ts', folder, mode, String(settings.ledgerRecords)),
    )
    micros.push(written.microsPerRecord)
  }
  return micros
}

async function ceilings(): Promise<number[]> {
  const perSecond: number[] = []
  for (let run = 0; run < settings.runs; run++) {
    const found = await inFolder((folder) => measure<Calibrated>('calibrateChild.ts', folder))
    perSecond.push(found.perSecond)
  }
  return perSecond
}

function atLeast({ what, unit, median }: Figure, limit: number): Target {
  const shown = (value: number) => `${Math.round(value).toLocaleString('en')} ${unit}`
  return { what, wanted: `≥ ${shown(limit)}`, got: shown(median), isMet: median >= limit }
}

function atMost({ what, unit, median }: Figure, limit: number): Target {
  const shown = Number(median.toPrecision(3))
  const wanted = `≤ ${limit} ${unit}`
  return { what, wanted, got: `${shown} ${unit}`, isMet: median <= limit }
}

async function run(report: (line: string) => void): Promise<Measured> {
  const checked = await checkRuns()
  report(`checked ${settings.messages.toLocaleString('en')} messages, ${settings.runs} times`)
  const seconds = checked.map((one) => one.seconds)
  const megabytes = checked.map(({ highestMb }) => highestMb)
  const lost = Math.max(...checked.map(({ attempted }) => settings.messages - attempted))
  const checker = figure('checker, from files to judgement', 's', seconds, { lost })
  const memory = figure('checker, most memory', 'MB', megabytes)
  const exact = figure('ledger, exact', 'µs/record', await writeRuns('exact'))
  const batched = figure('ledger, batched', 'µs/record', await writeRuns('batched'))
  const ceiling = figure('null driver, in one process', 'messages/s', await ceilings())
  const proxy = await measureProxy(settings.runs)
  return {
    settings,
    figures: [checker, memory, exact, batched, ceiling, ...proxy.figures],
    targets: [
      ...[atMost(checker, 3), atMost(memory, 400), atMost(exact, 3), atMost(batched, 0.2)],
      atLeast(ceiling, 20_000),
      ...proxy.targets,
    ],
  }
}

export const bench: Bench = {
  name: 'lab',
  about:
    'the lab itself: what judging a million messages, a record and its proxy cost, and its ceiling',
  run,
}
