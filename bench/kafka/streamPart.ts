import type { Part } from '../flow/part.ts'
import { type Contender, compare } from '../flow/rounds.ts'
import { type Figure, ratioTarget } from '../harness.ts'
import type { KafkaRig } from './rig.ts'

const messages = 50_000
const groups = ['bench', 'other'] as const
const batches = { batch: 500, inFlight: 2, isBatch: true, concurrency: 4, groups } as const

/** Each message lies there once, and is read by each group. */
const contenders: readonly Contender[] = [
  {
    ...{
      side: 'platformatic',
      kind: 'stream',
      ...batches,
      inFlight: 1,
      joinsFirst: true,
      messages,
    },
    publish: '@platformatic/kafka, send of 500',
    consume: '@platformatic/kafka, stream, a commit each turn',
  },
  {
    ...{ side: 'narrowcast', kind: 'stream', ...batches, joinsFirst: true, messages },
    publish: 'narrowcast, publishMany of 500, two at once',
    consume: 'narrowcast, 4 handlers of batches',
  },
]

export const streamPart: Part<KafkaRig> = async (rig) => {
  const onStream = { ...rig, channel: () => rig.stream() }
  const figures = await compare(onStream, 'stream of 2 groups', 100, contenders)
  const [bare, own, bareConsume, ownConsume] = figures as [Figure, Figure, Figure, Figure]
  const targets = [
    ratioTarget(own, 'min', 0.85, bare),
    ratioTarget(ownConsume, 'min', 0.85, bareConsume),
  ]
  return { figures, targets }
}
