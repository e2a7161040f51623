import { below, drawFrom } from './draw.ts'
import type { Kind } from './identity.ts'

/** What producers send, and how workers take it. */
export interface Load {
  /** Over all producers. */
  readonly messages: number
  /** Messages a second over all producers, by plan: an open loop does not wait for answers. */
  readonly perSecond: number
  readonly producers: number
  readonly workers: number
  /** Handlers at once in each worker. */
  readonly concurrency: number
  readonly handlerMs: number
  readonly keys: number
  /** Length of the data of each message. */
  readonly bytes: number
  /** Share of messages whose handler always fails. */
  readonly poisonShare: number
  /** Share of messages that are published once more, under the same id. */
  readonly againShare: number
}

export interface PlannedMessage {
  readonly key: number
  readonly kind: Kind
  readonly isAgain: boolean
  /** Since time zero of the run. */
  readonly dueNs: number
}

/** How many messages this producer sends. */
export function shareOf({ messages, producers }: Load, producer: number): number {
  return Math.ceil((messages - producer) / producers)
}

/** The plan of one producer: what its message of each sequence is, and when it is due. */
export function planOf(
  load: Load,
  seed: number,
  producer: number,
): (sequence: number) => PlannedMessage {
  const keyOf = below(drawFrom(seed, 'keys'), load.keys)
  const kindOf = drawFrom(seed, `kinds of ${producer}`)
  const againOf = drawFrom(seed, `again of ${producer}`)
  return (sequence) => ({
    key: keyOf(sequence),
    kind: kindOf(sequence) < load.poisonShare ? 'poison' : 'normal',
    isAgain: againOf(sequence) < load.againShare,
    dueNs: ((sequence * load.producers + producer) / load.perSecond) * 1e9,
  })
}
