import { below, drawFrom } from './draw.ts'
import type { Kind } from './identity.ts'

/** What producers send, and how workers take it. */
export interface Load {
  /** Over all producers. */
  readonly messages: number
  /** Messages a second over all producers, by plan: an open loop does not wait for answers. */
  readonly perSecond: number
  readonly producers: number
  /** Of a stream: in each of its groups. */
  readonly workers: number
  /** Handlers at once in each worker. */
  readonly concurrency: number
  readonly handlerMs: number
  readonly keys: number
  /** Length of the data of each message. */
  readonly bytes: number
  /** Share of messages whose handler always fails. */
  readonly poisonShare: number
  /** So many messages, evenly over the load, each end the worker that has them. */
  readonly killers: number
  /** Share of messages that are published once more, under the same id. */
  readonly againShare: number
  /** Worker 0 takes so many times as long as the others. */
  readonly slowFactor: number
  /** After this share of the messages the rest comes at another rate. */
  readonly surge: { readonly fromShare: number; readonly perSecond: number } | null
  /** Workers start when everything is sent. */
  readonly startsLate: boolean
  /** A message of which nobody knows whether it was stored is published so often, under the same id. */
  readonly triesMax: number
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

/** The plan of one producer: what its message of each place is, and when it is due. */
export function planOf(
  load: Load,
  seed: number,
  producer: number,
): (place: number) => PlannedMessage {
  const keyOf = below(drawFrom(seed, 'keys'), load.keys)
  const kindOf = drawFrom(seed, `kinds of ${producer}`)
  const againOf = drawFrom(seed, `again of ${producer}`)
  const killers = new Set(killersOf(load).filter((place) => place % load.producers === producer))
  return (place) => {
    const overall = place * load.producers + producer
    const isPoison = kindOf(place) < load.poisonShare
    return {
      key: keyOf(place),
      kind: killers.has(overall) ? 'killer' : isPoison ? 'poison' : 'normal',
      isAgain: againOf(place) < load.againShare,
      dueNs: dueMs(load, overall) * 1e6,
    }
  }
}

/** When the message of this place among all is due, since time zero. */
export function dueMs({ messages, perSecond, surge }: Load, place: number): number {
  const calm = surge === null ? messages : Math.ceil(surge.fromShare * messages)
  if (surge === null || place <= calm) return (place / perSecond) * 1_000
  return (calm / perSecond + (place - calm) / surge.perSecond) * 1_000
}

/** Places among all messages. */
function killersOf({ messages, killers }: Load): number[] {
  return Array.from({ length: killers }, (_, at) =>
    Math.floor(((at + 1) * messages) / (killers + 1)),
  )
}
