import type { Part } from '../flow/part.ts'
import { type Contender, compare } from '../flow/rounds.ts'
import { type Figure, ratioTarget, type Target } from '../harness.ts'

const big = { messages: 500_000, batch: 500, inFlight: 2 } as const
const atOnce = { batch: 1, inFlight: 100 } as const
const awaited = { batch: 1, inFlight: 1 } as const

const raw: readonly Contender[] = [
  {
    ...{ side: 'node-redis', kind: 'list', ...big },
    ...{ publish: 'raw, LPUSH of 500', consume: 'raw, 500 by script', both: 'raw, batches' },
  },
  {
    ...{
      side: 'node-redis',
      kind: 'cloudEvents',
      ...big,
      publish: 'raw, LPUSH of 500 CloudEvents',
    },
    ...{ consume: 'raw, 500 CloudEvents by script', both: 'raw, batches of CloudEvents' },
  },
  {
    ...{ side: 'node-redis', kind: 'single', ...awaited, messages: 4_000 },
    ...{ publish: 'raw, one LPUSH at a time', consume: 'raw, BLMOVE and LREM' },
  },
]

const ours: readonly Contender[] = [
  {
    ...{ side: 'narrowcast', kind: 'queue', ...big, isBatch: true, concurrency: 4 },
    publish: 'narrowcast, publishMany of 500, two at once',
    consume: 'narrowcast, 4 handlers of batches',
    both: 'narrowcast, batches, 4 handlers',
  },
  {
    ...{ side: 'narrowcast', kind: 'queue', ...big, isBatch: true, inFlight: 1 },
    publish: 'narrowcast, publishMany of 500',
    consume: 'narrowcast, handler of batches',
  },
  {
    ...{ side: 'narrowcast', kind: 'queue', batch: 1, inFlight: 500, messages: 100_000 },
    ...{ concurrency: 100, publish: 'narrowcast, publish, 500 at once' },
    consume: 'narrowcast, handler, concurrency 100',
  },
  {
    ...{ side: 'narrowcast', kind: 'queue', ...awaited, messages: 5_000, concurrency: 1 },
    publish: 'narrowcast, publish, awaited',
    consume: 'narrowcast, handler, concurrency 1',
  },
]

const bull = { side: 'bullmq', kind: 'queue' } as const
const bulk = { ...bull, batch: 1_000, inFlight: 2, messages: 20_000 } as const
const bullmq: readonly Contender[] = [
  {
    ...{ ...bulk, concurrency: 100, publish: 'BullMQ, addBulk of 1000' },
    ...{ consume: 'BullMQ, concurrency 100', both: 'BullMQ, addBulk, concurrency 100' },
  },
  {
    ...{ ...bull, ...atOnce, messages: 20_000, concurrency: 50 },
    ...{ publish: 'BullMQ, add, 100 at once', consume: 'BullMQ, concurrency 50' },
  },
  {
    ...{ ...bull, ...awaited, messages: 3_000, concurrency: 1 },
    ...{ publish: 'BullMQ, add, awaited', consume: 'BullMQ, concurrency 1' },
  },
  {
    ...{ ...bulk, isTuned: false, concurrency: 100, publish: 'BullMQ defaults, addBulk of 1000' },
    consume: 'BullMQ defaults, concurrency 100',
  },
  {
    ...{ ...bull, ...atOnce, isTuned: false, messages: 20_000, concurrency: 50 },
    publish: 'BullMQ defaults, add, 100 at once',
    consume: 'BullMQ defaults, concurrency 50',
  },
  {
    ...{ ...bull, ...awaited, isTuned: false, messages: 3_000, concurrency: 1 },
    publish: 'BullMQ defaults, add, awaited',
    consume: 'BullMQ defaults, concurrency 1',
  },
]

const bee = { side: 'bee-queue', kind: 'queue' } as const
const beeQueue: readonly Contender[] = [
  {
    ...{ ...bee, batch: 1_000, inFlight: 2, messages: 20_000, concurrency: 100 },
    ...{ publish: 'bee-queue, saveAll of 1000', consume: 'bee-queue, concurrency 100' },
    both: 'bee-queue, saveAll, concurrency 100',
  },
  {
    ...{ ...bee, ...atOnce, messages: 20_000, concurrency: 50 },
    ...{ publish: 'bee-queue, save, 100 at once', consume: 'bee-queue, concurrency 50' },
  },
  {
    ...{ ...bee, ...awaited, messages: 3_000, concurrency: 1 },
    ...{ publish: 'bee-queue, save, awaited', consume: 'bee-queue, concurrency 1' },
  },
]

const group = { side: 'groupmq', kind: 'queue' } as const
const groupmq: readonly Contender[] = [
  {
    ...{ ...group, ...atOnce, messages: 20_000, concurrency: 100 },
    ...{ publish: 'groupmq, autoBatch, 100 at once', consume: 'groupmq, concurrency 100' },
    both: 'groupmq, autoBatch, concurrency 100',
  },
  {
    ...{ ...group, ...atOnce, isTuned: false, messages: 20_000, concurrency: 50 },
    ...{ publish: 'groupmq, add, 100 at once', consume: 'groupmq, concurrency 50' },
  },
  {
    ...{ ...group, ...awaited, isTuned: false, messages: 3_000, concurrency: 1 },
    ...{ publish: 'groupmq, add, awaited', consume: 'groupmq, concurrency 1' },
  },
]

/** With bodies of 1 KB: what goes both ways. */
function best(all: readonly Contender[]): readonly Contender[] {
  return all.filter(({ both }) => both).map((one) => ({ ...one, messages: one.messages / 4 }))
}

function highest(figures: readonly Figure[]): Figure | undefined {
  return figures.toSorted((one, other) => other.median - one.median)[0]
}

function targets(figures: readonly Figure[]): Target[] {
  const named = (text: string) => figures.filter(({ what }) => what.includes(text))
  const wanted: Target[] = []
  for (const size of ['100 B', '1 KB']) {
    const of = (stage: string, who: string) => named(`${size}, ${stage}: ${who}`)
    const [publish, consume] = [of('publish', 'narrowcast'), of('consume and settle', 'narrowcast')]
    const add = (one: Figure | undefined, times: number, beside: Figure | undefined) => {
      if (one && beside) wanted.push(ratioTarget(one, 'min', times, beside))
    }
    if (size === '100 B') {
      add(highest(consume), 10, highest(of('consume and settle', 'BullMQ')))
      add(highest(consume), 0.5, of('consume and settle', 'raw, 500 by')[0])
    }
    add(highest(publish), 0.8, of('publish', 'raw, LPUSH of 500')[0])
    add(
      highest(publish),
      5,
      highest(of('publish', 'BullMQ').filter(({ what }) => /addBulk/.test(what))),
    )
  }
  return wanted
}

export const queuePart: Part = async (rig) => {
  const peers = rig.sizes.withPeers ? [...bullmq, ...beeQueue, ...groupmq] : []
  const all = [...raw, ...ours, ...peers]
  const small = await compare(rig, 'queue', 100, all)
  const large = await compare(rig, 'queue', 1_000, best(all))
  const figures = [...small, ...large]
  return { figures, targets: targets(figures) }
}
