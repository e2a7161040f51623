import type { Part } from '../flow/part.ts'
import { type Contender, compare } from '../flow/rounds.ts'
import { type Figure, ratioTarget, type Target } from '../harness.ts'

const calls = { batch: 500, inFlight: 2 } as const
const batches = { ...calls, isBatch: true, concurrency: 4 } as const
/** As this library sends them, whoever calls: were two on their way, and the first failed, they would swap. */
const inOrder = { ...batches, inFlight: 1 } as const

/** The first one is what the others are compared with. */
const contenders: readonly Omit<Contender, 'messages'>[] = [
  {
    ...{ side: 'amqplib', kind: 'queue', ...inOrder, publish: 'amqplib, 500 unconfirmed' },
    ...{ consume: 'amqplib, prefetch 4000, joined acks', both: 'amqplib, 500 unconfirmed' },
  },
  {
    ...{ side: 'amqplib', kind: 'alike', ...inOrder, publish: 'amqplib, properties as ours' },
    ...{ consume: 'amqplib, of these', both: 'amqplib, properties as ours' },
  },
  {
    ...{ side: 'amqplib', kind: 'queue', ...batches },
    publish: 'amqplib, 2 × 500 unconfirmed, no order when one fails',
    both: 'amqplib, 2 × 500 unconfirmed',
  },
  {
    ...{ side: 'amqplib', kind: 'ackEach', ...calls, concurrency: 250 },
    consume: 'amqplib, prefetch 500, an ack each',
  },
  {
    ...{ side: 'narrowcast', kind: 'queue', ...batches },
    publish: 'narrowcast, publishMany of 500, two at once',
    consume: 'narrowcast, 4 handlers of batches',
    both: 'narrowcast, batches, 4 handlers',
  },
  {
    ...{ side: 'narrowcast', kind: 'queue', batch: 1, inFlight: 1_000, concurrency: 250 },
    publish: 'narrowcast, publish, 1000 at once',
    consume: 'narrowcast, handler, concurrency 250',
  },
]

const bodies = [
  { bytes: 100, messages: 40_000 },
  { bytes: 1_000, messages: 20_000 },
] as const

/** Of each stage the first of ours beside the first of the bare client. */
function targets(figures: readonly Figure[]): Target[] {
  const stages = new Set(figures.map(({ what }) => what.slice(0, what.indexOf(': '))))
  return [...stages].map((stage) => {
    const of = (who: string) =>
      figures.find(({ what }) => what.startsWith(`${stage}: ${who}`)) as Figure
    return ratioTarget(of('narrowcast'), 'min', 0.85, of('amqplib'))
  })
}

export const queuePart: Part = async (rig) => {
  const figures: Figure[] = []
  for (const { bytes, messages } of bodies) {
    const sized = contenders.map((one) => ({ ...one, messages }))
    figures.push(...(await compare(rig, 'queue', bytes, sized)))
  }
  return { figures, targets: targets(figures) }
}
