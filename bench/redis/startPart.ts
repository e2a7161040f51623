import { type Figure, figure, mostTarget } from '../harness.ts'
import { built } from './built.ts'
import { Hand } from './hand.ts'
import type { Part } from './part.ts'
import type { Rig } from './rig.ts'
import { nowMs, type Side, type Task } from './way.ts'

interface Starter {
  readonly name: string
  readonly side: Side
  readonly kind: string
}

const own: readonly Starter[] = [
  { name: 'raw, BLMOVE', side: 'raw', kind: 'single' },
  { name: 'narrowcast, queue', side: 'narrowcast', kind: 'queue' },
]
const peers: readonly Starter[] = [{ name: 'BullMQ', side: 'bullmq', kind: 'queue' }]

type Environment = Readonly<Record<string, string>>

/** A message waits; a process starts, and is given it. */
async function startMs(rig: Rig, { side, kind }: Starter, env: Environment): Promise<number> {
  const task: Task = {
    ...{ side, kind, url: rig.url, channel: await rig.channel(), messages: 1, bodyBytes: 100 },
    ...{ batch: 1, inFlight: 1, window: 0, isBatch: false, concurrency: 1, isTuned: true },
  }
  await rig.crew.publish(task)
  const fromMs = nowMs()
  using receiver = new Hand<never>('receiver.ts', [JSON.stringify(task)], env)
  while ((await receiver.next()) !== 'first');
  return nowMs() - fromMs
}

export const startPart: Part = async (rig) => {
  const starters = [...own, ...(rig.sizes.withPeers ? peers : [])]
  const runs = starters.map((): number[] => [])
  // Node strips the types of each source as it loads it: nobody who installs the package waits so.
  const isQuick = rig.sizes.divisor > 1
  const env: Environment = isQuick ? {} : { NARROWCAST_BENCH_ENTRY: await built() }
  for (let round = 0; round < rig.sizes.rounds + 2; round++) {
    for (const [at, starter] of starters.entries()) runs[at]?.push(await startMs(rig, starter, env))
  }
  rig.report('start')
  const figures: Figure[] = []
  for (const [at, { name }] of starters.entries()) {
    const against = figures[0] ? { against: figures[0] } : {}
    const what = `start of a process to its first message: ${name}`
    figures.push(figure(what, 'ms', runs[at] as number[], against))
  }
  return { figures, targets: [mostTarget(figures[1] as Figure, 500)] }
}
