import type { DepthSample } from '../evidence/evidence.ts'
import { backlogIn } from './backlog.ts'
import { type FaultWindow, faultWindows } from './faultWindows.ts'
import { firstNotBelow } from './firstNotBelow.ts'
import type { GroupHistory, History } from './history.ts'
import { lastNs } from './lastNs.ts'

/**
 * What a fault did to the flow. What follows a window, until the next fault, belongs to it: a
 * system is seldom well again in the moment it is healed. A time is null where nothing came after.
 */
export interface Recovery extends FaultWindow {
  /** The longest time without an ok. */
  readonly rtoPublishMs: number | null
  /** The longest time without a first DONE. */
  readonly rtoConsumeMs: number | null
  /** The oldest that an acknowledged message was before it was done. What never was is no part. */
  readonly oldestMs: number | null
  /** The most that was in the broker; null: it does not tell. */
  readonly backlogPeak: number | null
  /** From the heal until no more was in the broker than before the fault; null: never, or it does not tell. */
  readonly drainMs: number | null
}

type Published = Pick<History, 'baseNs' | 'events' | 'okNs'>
type Consumed = Pick<GroupHistory, 'group' | 'firstDoneNs'>
/** What was in the broker at a time. */
interface Depth {
  readonly ns: number
  readonly messages: number
}

/** By fault, in the eyes of one group. */
export function recoveryOf(
  { baseNs, events, okNs }: Published,
  { group, firstDoneNs }: Consumed,
  samples: readonly DepthSample[],
): Recovery[] {
  const oks = inOrder(okNs)
  const dones = inOrder(firstDoneNs)
  const depths = samples.filter((sample) => sample.group === group).flatMap(depthAt(baseNs))
  const eventsNs = Float64Array.from(events, ({ toNs }) => toNs)
  const windows = faultWindows(events, Math.max(...[eventsNs, okNs, firstDoneNs].map(lastNs)))
  return windows.map((window) => {
    const next = windows.find(({ fromNs }) => fromNs >= window.toNs)
    const reach = { ...window, untilNs: next?.fromNs ?? Number.POSITIVE_INFINITY }
    return {
      ...window,
      rtoPublishMs: longestGapMs(oks, reach),
      rtoConsumeMs: longestGapMs(dones, reach),
      oldestMs: oldestMs(okNs, firstDoneNs, reach),
      backlogPeak: backlogPeak(depths, reach),
      drainMs: drainMs(depths, reach),
    }
  })
}

/** A window and what follows it. */
interface Reach {
  readonly fromNs: number
  readonly toNs: number
  readonly untilNs: number
}

/** A wait overlaps the window, or begins and ends in what follows: else it is of the next fault. */
function concerns({ fromNs, toNs, untilNs }: Reach, beginNs: number, endNs: number): boolean {
  return endNs > fromNs && (beginNs < toNs || endNs <= untilNs)
}

function longestGapMs(ascending: Float64Array, reach: Reach): number | null {
  let longest: number | null = null
  const first = Math.max(1, firstNotBelow(ascending, reach.fromNs))
  for (let at = first; at < ascending.length; at++) {
    const beginNs = ascending[at - 1] as number
    const endNs = ascending[at] as number
    if (beginNs >= reach.untilNs) break
    if (concerns(reach, beginNs, endNs)) longest = Math.max(longest ?? 0, (endNs - beginNs) / 1e6)
  }
  return longest
}

function oldestMs(okNs: Float64Array, doneNs: Float64Array, reach: Reach): number | null {
  let oldest: number | null = null
  for (let message = 0; message < okNs.length; message++) {
    const beginNs = okNs[message] as number
    const endNs = doneNs[message] as number
    const ageMs = (endNs - beginNs) / 1e6
    if (ageMs > (oldest ?? 0) && concerns(reach, beginNs, endNs)) oldest = ageMs
  }
  return oldest
}

function backlogPeak(depths: readonly Depth[], { fromNs, untilNs }: Reach): number | null {
  const seen = depths.filter(({ ns }) => ns >= fromNs && ns <= untilNs)
  return seen.reduce<number | null>((most, { messages }) => Math.max(most ?? 0, messages), null)
}

function drainMs(depths: readonly Depth[], { fromNs, toNs }: Reach): number | null {
  const before = depths.findLast(({ ns }) => ns <= fromNs)
  if (!before) return null
  const back = depths.find(({ ns, messages }) => ns >= toNs && messages <= before.messages)
  return back ? (back.ns - toNs) / 1e6 : null
}

function depthAt(baseNs: bigint) {
  return (sample: DepthSample): Depth[] => {
    const messages = backlogIn(sample)
    return messages === null ? [] : [{ ns: Number(sample.timeNs - baseNs), messages }]
  }
}

function inOrder(times: Float64Array): Float64Array {
  const sorted = times.toSorted() // NaN comes last
  return sorted.subarray(0, firstNotBelow(sorted, Number.POSITIVE_INFINITY))
}
