import { type Figure, figure } from '../harness.ts'
import { built } from './built.ts'
import { Hand } from './hand.ts'
import type { Rig } from './rig.ts'
import type { Sending } from './sender.ts'
import { nowMs, type Side, type Task } from './way.ts'

export interface Starter {
  readonly name: string
  readonly side: Side
  readonly kind: string
}

type Environment = Readonly<Record<string, string>>
type Start = (task: Task, env: Environment) => Promise<void>

/** Resolves when a process that was started now is given a message that waits. */
async function receives(task: Task, env: Environment): Promise<void> {
  using receiver = new Hand<never>('receiver.ts', [JSON.stringify(task)], env)
  while ((await receiver.next()) !== 'first');
}

/** Resolves when a process that was started now has published a message. */
async function publishes(task: Task, env: Environment): Promise<void> {
  using sender = new Hand<Sending>('sender.ts', [JSON.stringify([task])], env)
  await sender.next()
  await sender.ask({ messages: 1, gapMs: { min: 0, max: 0 } })
}

const ends = {
  'first message': { start: receives, waiting: 1 },
  'first publish': { start: publishes, waiting: 0 },
} as const satisfies Record<string, { start: Start; waiting: number }>

async function startMs(
  rig: Rig,
  { side, kind }: Starter,
  end: keyof typeof ends,
  env: Environment,
): Promise<number> {
  const { start, waiting } = ends[end]
  const task: Task = {
    ...{ side, kind, url: rig.url, channel: await rig.channel(), group: 'bench', messages: 1 },
    ...{ bodyBytes: 100, batch: 1, inFlight: 1, window: 0, isBatch: false },
    ...{ concurrency: 1, isTuned: true, joinsFirst: false },
  }
  if (waiting > 0) await rig.crew.publish(task)
  const fromMs = nowMs()
  await start(task, env)
  return nowMs() - fromMs
}

/** From the start of a process to that end, beside the first starter's. */
export async function starts(
  rig: Rig,
  end: keyof typeof ends,
  starters: readonly Starter[],
): Promise<Figure[]> {
  const runs = starters.map((): number[] => [])
  // Node strips the types of each source as it loads it: nobody who installs the package waits so.
  const env: Environment = rig.sizes.divisor > 1 ? {} : { NARROWCAST_BENCH_ENTRY: await built() }
  for (let round = 0; round < rig.sizes.rounds + 2; round++) {
    for (const [at, starter] of starters.entries()) {
      runs[at]?.push(await startMs(rig, starter, end, env))
    }
  }
  rig.report(`start to ${end}`)
  const figures: Figure[] = []
  for (const [at, { name }] of starters.entries()) {
    const against = figures[0] ? { against: figures[0] } : {}
    const what = `start of a process to its ${end}: ${name}`
    figures.push(figure(what, 'ms', runs[at] as number[], against))
  }
  return figures
}
