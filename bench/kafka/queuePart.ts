import type { Part } from '../flow/part.ts'
import { type Contender, compare } from '../flow/rounds.ts'
import { type Figure, ratioTarget, type Target } from '../harness.ts'

const calls = { batch: 500, inFlight: 2, joinsFirst: true } as const
const batches = { ...calls, isBatch: true, concurrency: 4 } as const
/** As this library sends them, whoever calls: were the next sent while the first waits for its second try, they would swap. */
const inOrder = { ...batches, inFlight: 1 } as const

/** The first one is what the others are compared with. */
const contenders: readonly Omit<Contender, 'messages'>[] = [
  {
    ...{ side: 'platformatic', kind: 'queue', ...inOrder },
    publish: '@platformatic/kafka, send of 500',
    consume: '@platformatic/kafka, stream, a commit each turn',
    both: '@platformatic/kafka, send of 500',
  },
  {
    ...{ side: 'platformatic', kind: 'alike', ...inOrder },
    publish: '@platformatic/kafka, headers as ours',
    consume: '@platformatic/kafka, of these',
    both: '@platformatic/kafka, headers as ours',
  },
  {
    ...{ side: 'platformatic', kind: 'queue', ...batches },
    publish: '@platformatic/kafka, two sends of 500 at once, no order when one fails',
    both: '@platformatic/kafka, two sends of 500 at once',
  },
  {
    ...{ side: 'narrowcast', kind: 'queue', ...batches },
    publish: 'narrowcast, publishMany of 500, two at once',
    consume: 'narrowcast, 4 handlers of batches',
    both: 'narrowcast, batches, 4 handlers',
  },
  {
    ...{ side: 'narrowcast', kind: 'queue', ...calls, batch: 1, inFlight: 1_000, concurrency: 250 },
    publish: 'narrowcast, publish, 1000 at once',
    consume: 'narrowcast, handler, concurrency 250',
  },
]

const bodies = [
  { bytes: 100, messages: 60_000 },
  { bytes: 1_000, messages: 30_000 },
] as const

/** Of each stage the first of ours beside the first of the bare client. */
function targets(figures: readonly Figure[]): Target[] {
  const stages = new Set(figures.map(({ what }) => what.slice(0, what.indexOf(': '))))
  return [...stages].map((stage) => {
    const of = (who: string) =>
      figures.find(({ what }) => what.startsWith(`${stage}: ${who}`)) as Figure
    return ratioTarget(of('narrowcast'), 'min', 0.85, of('@platformatic/kafka'))
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
