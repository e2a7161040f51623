import type { Part } from '../flow/part.ts'
import type { Side, Task } from '../flow/way.ts'
import { type Figure, figure } from '../harness.ts'
import type { RedisRig } from './rig.ts'

const messages = 100_000
const bodyBytes = 100

interface Keeper {
  readonly name: string
  readonly side: Side
  readonly kind: string
}

const bull: Keeper = { name: 'BullMQ', side: 'bullmq', kind: 'queue' }
const own: readonly Keeper[] = [
  { name: 'raw, list', side: 'node-redis', kind: 'list' },
  { name: 'narrowcast, queue', side: 'narrowcast', kind: 'queue' },
  { name: 'raw, stream', side: 'node-redis', kind: 'stream' },
  { name: 'narrowcast, stream', side: 'narrowcast', kind: 'stream' },
]
const others: readonly Keeper[] = [
  { name: 'bee-queue', side: 'bee-queue', kind: 'queue' },
  { name: 'groupmq', side: 'groupmq', kind: 'queue' },
]

/** What the server has in use when the messages wait and their publisher is gone, less what it had before. */
async function megabytes(rig: RedisRig, { side, kind }: Keeper): Promise<number> {
  const task: Task = {
    ...{ side, kind, url: rig.url, channel: await rig.channel(), bodyBytes, isTuned: true },
    ...{
      messages: messages / rig.sizes.divisor,
      batch: 500,
      inFlight: 2,
      window: 0,
      isBatch: false,
      concurrency: 100,
      group: 'bench',
      joinsFirst: false,
    },
  }
  const before = await rig.usedBytes()
  await rig.crew.publish(task)
  const bytes = (await rig.usedBytes()) - before
  return ((bytes / task.messages) * messages) / 1e6
}

export const footprintPart: Part<RedisRig> = async (rig) => {
  const keepers = rig.sizes.withPeers ? [bull, ...own, ...others] : own
  const figures: Figure[] = []
  for (const keeper of keepers) {
    const runs = [await megabytes(rig, keeper), await megabytes(rig, keeper)]
    const what = `memory of 100,000 waiting messages, ${bodyBytes} B: ${keeper.name}`
    figures.push(figure(what, 'MB', runs, figures[0] ? { against: figures[0] } : {}))
    rig.report(`footprint: ${keeper.name}`)
  }
  return { figures, targets: [] }
}
