import { type Percentiles, percentilesOf } from '../percentiles.ts'
import type { GroupHistory, History } from './history.ts'

const warmUpNsMax = 2_000_000_000
const warmUpShare = 0.1
const achievedShareMin = 0.99
const scheduleDelayMsMax = 50

/** How long publishing took. Who was refused, or never learned, was never answered. */
export interface PublishLatency {
  /** From when it was to be sent until the first ok. */
  readonly response: Percentiles
  /** From the first attempt until the first ok. */
  readonly service: Percentiles
  /** From when it was to be sent until the first attempt. */
  readonly scheduleDelay: Percentiles
}

/** From when a message was to be sent. What was never delivered, or never done, was never answered. */
export interface DeliveryLatency {
  /** Until a handler was first entered. */
  readonly endToEnd: Percentiles
  /** Until a handler had first done it. */
  readonly done: Percentiles
}

type Load = Pick<History, 'intendedNs' | 'sentNs' | 'okNs'>

/** Of all that were published after the warm-up. */
export function publishLatency(load: Load): PublishLatency {
  const { intendedNs, sentNs, okNs } = load
  const between = overAll(afterWarmUp(load))
  return {
    response: between(intendedNs, okNs),
    service: between(sentNs, okNs),
    scheduleDelay: between(intendedNs, sentNs),
  }
}

/** Of all that were published after the warm-up, in the eyes of one group. */
export function deliveryLatency(
  load: Load,
  { firstReceivedNs, firstDoneNs }: Pick<GroupHistory, 'firstReceivedNs' | 'firstDoneNs'>,
): DeliveryLatency {
  const between = overAll(afterWarmUp(load))
  return {
    endToEnd: between(load.intendedNs, firstReceivedNs),
    done: between(load.intendedNs, firstDoneNs),
  }
}

/**
 * The load was not what was asked for, so latencies describe the backlog and not the broker: less
 * than 99 % of the rate was sent, or more than 1 % of it over 50 ms late.
 */
export function isSaturated(
  perSecond: { readonly offered: number; readonly achieved: number },
  scheduleDelay: Percentiles,
): boolean {
  if (perSecond.achieved < perSecond.offered * achievedShareMin) return true
  return scheduleDelay.p99 !== null && scheduleDelay.p99 > scheduleDelayMsMax
}

/** Messages; the first 2 s of the load are left out, or a tenth where that is shorter. */
export function afterWarmUp({ intendedNs }: Load): Uint32Array {
  let first = Number.POSITIVE_INFINITY
  let last = Number.NEGATIVE_INFINITY
  for (const ns of intendedNs) {
    if (ns < first) first = ns
    if (ns > last) last = ns
  }
  const fromNs = first + Math.min((last - first) * warmUpShare, warmUpNsMax)
  const measured = new Uint32Array(intendedNs.length)
  let count = 0
  for (let message = 0; message < intendedNs.length; message++) {
    // NaN is not: nobody has published it.
    if ((intendedNs[message] as number) >= fromNs) measured[count++] = message
  }
  return measured.subarray(0, count)
}

/** How long each of the messages took from one time to another, in room that all calls share. */
function overAll(messages: Uint32Array): (from: Float64Array, to: Float64Array) => Percentiles {
  const times = new Float64Array(messages.length)
  return (from, to) => {
    messages.forEach((message, at) => {
      times[at] = (to[message] as number) - (from[message] as number)
    })
    return percentilesOf(times)
  }
}
