import type { LedgerFile } from '../evidence/evidence.ts'
import { lateFlag, recordTypes } from '../evidence/record.ts'
import type { Episodes } from './episodes.ts'
import { actorName } from './intervals.ts'
import { isWorker, type Loaded } from './load.ts'
import { eachRecord } from './recordCursor.ts'

const { recv, done, settled } = recordTypes
const thrown = recordTypes.throw

/** One message in the hand of one worker. */
interface Hand {
  readonly message: number
  readonly key: number
  readonly fromNs: number
  /** Infinity: it never ended. */
  toNs: number
}

/**
 * How often a worker was handed a message while another of the same key was in a hand, over all
 * workers of a group. A hand ends with its handler, and counts no longer once its worker was
 * killed, stopped or cut off, or the broker was away: from then on it may be handed to another.
 */
export function keyOverlaps(
  ledgers: readonly LedgerFile[],
  group: string | null,
  { history, origins }: Loaded,
  episodes: Episodes,
): number {
  const hands = ledgers.flatMap(({ sidecar, bytes }) => {
    if (!isWorker(sidecar.role) || sidecar.group !== group) return []
    const own: Hand[] = []
    const open = new Map<number, Hand>()
    eachRecord(bytes, history.baseNs, (record) => {
      const { type, flags, timeNs } = record
      const message = origins.indexOf(record.producer, record.incarnation, record.sequence)
      if (message < 0) return
      if (type === recv) {
        const hand = { message, key: record.key, fromNs: timeNs, toNs: Number.POSITIVE_INFINITY }
        open.set(message, hand)
        own.push(hand)
      } else if (type === done || type === thrown) {
        const hand = open.get(message)
        if (hand?.toNs === Number.POSITIVE_INFINITY) hand.toNs = timeNs
      } else if (type === settled && (flags & lateFlag) !== 0) {
        const hand = open.get(message)
        if (hand) hand.toNs = hand.fromNs // when it was lost nobody knows
      }
    })
    const ends = endsOf(actorName(sidecar), episodes)
    for (const hand of own) {
      for (const endNs of ends) if (endNs >= hand.fromNs) hand.toNs = Math.min(hand.toNs, endNs)
    }
    return own
  })
  return countOverlaps(hands)
}

/** When what a worker holds may be handed to another. */
function endsOf(actor: string, episodes: Episodes): number[] {
  const all = [
    ...episodes.deathsOf(actor),
    ...episodes.stopsOf(actor),
    ...episodes.netsOf(actor),
    ...episodes.brokerDowns,
  ]
  return all.map(({ fromNs }) => fromNs)
}

function countOverlaps(hands: Hand[]): number {
  hands.sort((a, b) => a.key - b.key || a.fromNs - b.fromNs)
  let count = 0
  /** The hand of this key that ends last, and the one of another message that does. */
  let last: Hand | undefined
  let other: Hand | undefined
  for (const hand of hands) {
    if (last?.key !== hand.key) {
      last = undefined
      other = undefined
    }
    const rival = last?.message === hand.message ? other : last
    if (rival && rival.toNs > hand.fromNs) count++
    if (!last || hand.toNs > last.toNs) {
      if (last && last.message !== hand.message) other = last
      last = hand
    } else if (hand.message !== last.message && (!other || hand.toNs > other.toNs)) other = hand
  }
  return count
}
