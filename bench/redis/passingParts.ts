import type { Part } from '../flow/part.ts'
import { type Contender, compare } from '../flow/rounds.ts'
import { type Figure, ratioTarget } from '../harness.ts'

/** The first one is the bare client; each of the others is to reach its share of that. */
interface Comparison {
  readonly name: string
  readonly contenders: readonly Contender[]
  /** One less than there are contenders. */
  readonly shares: readonly number[]
}

const many = { batch: 500, inFlight: 2 } as const
const bodies = [
  { bytes: 100, messages: 400_000 },
  { bytes: 1_000, messages: 100_000 },
] as const

function partOf({ name, contenders, shares }: Comparison): Part {
  return async (rig) => {
    const figures: Figure[] = []
    const targets = []
    for (const { bytes, messages } of bodies) {
      const sized = contenders.map((one) => ({ ...one, messages }))
      const taken = await compare(rig, name, bytes, sized)
      figures.push(...taken)
      for (let at = 0; at < taken.length; at += contenders.length) {
        const [raw, ...ours] = taken.slice(at, at + contenders.length) as [Figure, ...Figure[]]
        targets.push(...ours.map((one, n) => ratioTarget(one, 'min', shares[n] as number, raw)))
      }
    }
    return { figures, targets }
  }
}

const live = { ...many, messages: 0 } as const

const pubsub: Contender = {
  ...{ side: 'node-redis', kind: 'pubsub', ...live },
  both: 'raw, 500 PUBLISH in a pipeline',
}

export const streamPart = partOf({
  name: 'stream',
  contenders: [
    {
      ...{ side: 'node-redis', kind: 'stream', ...many, messages: 0 },
      publish: 'raw, 500 XADD in a pipeline',
      consume: 'raw, XREADGROUP of 100 and XACK in a pipeline',
      both: 'raw, pipelines',
    },
    {
      ...{ side: 'narrowcast', kind: 'stream', ...many, messages: 0 },
      ...{ isBatch: true, concurrency: 4 },
      publish: 'narrowcast, publishMany of 500',
      consume: 'narrowcast, 4 handlers of batches',
      both: 'narrowcast, batches, 4 handlers',
    },
  ],
  shares: [0.85],
})

export const broadcastPart = partOf({
  name: 'broadcast',
  contenders: [
    pubsub,
    {
      ...{ side: 'narrowcast', kind: 'broadcast', ...live },
      both: 'narrowcast, publishMany of 500',
    },
  ],
  shares: [0.85],
})

export const narrowcastPart = partOf({
  name: 'narrowcast',
  contenders: [
    pubsub,
    { ...{ side: 'narrowcast', kind: 'direct', ...live }, both: 'narrowcast, direct' },
    {
      // It has room for 10,000 messages, and drops the oldest beyond that.
      ...{ side: 'narrowcast', kind: 'relay', ...live, window: 8_000 },
      both: 'narrowcast, relay',
    },
  ],
  shares: [0.8, 0.4],
})
