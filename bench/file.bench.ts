import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Flow, flow } from './file/flow.ts'
import { idle } from './file/idle.ts'
import { makeRaw } from './file/raw.ts'
import type { Task } from './file/work.ts'
import { type Bench, type Figure, figure, quantileOf } from './harness.ts'

const settings = {
  messages: 200_000,
  batch: 500,
  bodyBytes: 100,
  runs: 5,
  producers: 2,
  consumers: 2,
  sync: 'normal',
  idleMessages: 500,
  idleMs: 10_000,
} as const

const ways = ['raw', 'driver', 'bus'] as const
type Way = (typeof ways)[number]
const names: Readonly<Record<Way, string>> = {
  raw: 'raw node:sqlite',
  driver: 'driver',
  bus: 'connect()',
}
const kinds = ['publish', 'consume and settle', 'both ways, 2 + 2 processes'] as const
type Kind = (typeof kinds)[number]

async function inFolder<T>(work: (dir: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'narrowcast-bench-'))
  try {
    return await work(dir)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

function task(way: Way, role: Task['role'], dir: string, who: number, messages: number): Task {
  return { way, role, dir, who, messages, batch: settings.batch, bodyBytes: settings.bodyBytes }
}

/** Publishes alone, consumes that alone, then both at once: each process is a new one. */
async function round(way: Way): Promise<Record<Kind, Flow>> {
  const { messages, producers, consumers } = settings
  const alone = await inFolder(async (dir) => ({
    publish: await flow([task(way, 'produce', dir, 0, messages)], [], messages),
    consume: await flow([], [task(way, 'consume', dir, 0, messages)], messages),
  }))
  const both = await inFolder((dir) => {
    if (way === 'raw') makeRaw(dir)
    const half = messages / producers
    const many = (role: Task['role'], count: number) =>
      Array.from({ length: count }, (_, who) => task(way, role, dir, who, half))
    return flow(many('produce', producers), many('consume', consumers), messages)
  })
  const [publish, consume, together] = kinds
  return {
    [publish]: alone.publish,
    [consume]: alone.consume,
    [together]: both,
  } as Record<Kind, Flow>
}

function figuresOf(rounds: Readonly<Record<Way, Record<Kind, Flow>[]>>): Figure[] {
  return kinds.flatMap((kind) => {
    const figures: Figure[] = []
    for (const way of ways) {
      const flows = rounds[way].map((one) => one[kind])
      const sum = (of: (one: Flow) => number) => flows.reduce((total, one) => total + of(one), 0)
      const counts = { lost: sum((one) => one.lost), duplicated: sum((one) => one.duplicated) }
      const runs = flows.map((one) => one.perSecond)
      const against = figures[0] ? { against: figures[0] } : {}
      const checked = kind === 'publish' ? {} : counts
      figures.push(figure(`${kind}, ${names[way]}`, 'messages/s', runs, { ...against, ...checked }))
    }
    return figures
  })
}

export const bench: Bench = {
  name: 'file',
  about: 'file: publish, consume and settle, both at once, beside raw node:sqlite batches',
  async run(report) {
    const rounds: Record<Way, Record<Kind, Flow>[]> = { raw: [], driver: [], bus: [] }
    for (let run = 0; run < settings.runs; run++) {
      for (const way of ways) rounds[way].push(await round(way))
      report(`run ${run + 1} of ${settings.runs}`)
    }
    const blocked = rounds.driver.map((one) => one['both ways, 2 + 2 processes'].blockedMs)
    const waiting = await inFolder((dir) => idle(dir, settings.idleMessages, settings.idleMs))
    report('idle')
    return {
      settings,
      figures: [
        ...figuresOf(rounds),
        figure('longest stop of an event loop, 2 + 2 processes', 'ms', blocked),
        figure('idle delivery across processes, p50', 'ms', [quantileOf(waiting.latenciesMs, 0.5)]),
        figure('idle delivery across processes, p99', 'ms', [
          quantileOf(waiting.latenciesMs, 0.99),
        ]),
        figure('CPU of a waiting process', '% of a core', [waiting.cpuPercent]),
      ],
    }
  },
}
