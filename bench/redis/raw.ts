import type { Way } from '../flow/way.ts'
import { listBatches } from './rawList.ts'
import { pubSub } from './rawPubSub.ts'
import { listSingles } from './rawSingle.ts'
import { stream } from './rawStream.ts'

const kinds: Readonly<Record<string, Way>> = {
  list: listBatches,
  cloudEvents: listBatches,
  single: listSingles,
  pubsub: pubSub,
  stream,
}

function of(kind: string): Way {
  const way = kinds[kind]
  if (way) return way
  throw new Error(`the bare client has no way "${kind}"; there are: ${Object.keys(kinds)}`)
}

/** The bare client, used as fast as it can be. */
export const raw: Way = {
  producer: (task) => of(task.kind).producer(task),
  consumer: (task) => of(task.kind).consumer(task),
}
