import type { Part } from '../flow/part.ts'
import { type Contender, compare } from '../flow/rounds.ts'
import { type Figure, ratioTarget } from '../harness.ts'
import type { RabbitmqRig } from './rig.ts'

const groups = ['bench', 'other'] as const
const batches = { batch: 500, inFlight: 2, isBatch: true, concurrency: 4, groups } as const

/** Each message lies in the archive and in the queue of each group when it is confirmed. */
const contenders: readonly Contender[] = [
  {
    ...{ side: 'amqplib', kind: 'stream', ...batches, inFlight: 1, messages: 20_000 },
    publish: 'amqplib, to the same exchange, 500 unconfirmed',
    consume: 'amqplib, prefetch 4000, joined acks',
  },
  {
    ...{ side: 'narrowcast', kind: 'stream', ...batches, messages: 20_000 },
    publish: 'narrowcast, publishMany of 500, two at once',
    consume: 'narrowcast, 4 handlers of batches',
  },
]

export const streamPart: Part<RabbitmqRig> = async (rig) => {
  const onStream = { ...rig, channel: () => rig.stream(groups) }
  const figures = await compare(onStream, 'stream of 2 groups', 100, contenders)
  const [bare, own, bareConsume, ownConsume] = figures as [Figure, Figure, Figure, Figure]
  const targets = [
    ratioTarget(own, 'min', 0.85, bare),
    ratioTarget(ownConsume, 'min', 0.85, bareConsume),
  ]
  return { figures, targets }
}
