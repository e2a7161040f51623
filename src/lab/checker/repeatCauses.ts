import { lateFlag, recordTypes, settlements } from '../evidence/record.ts'
import type { Cause } from '../terms.ts'
import type { Episode } from './episodes.ts'
import { type Match, withinBudget } from './explain.ts'
import { type Interval, touches } from './intervals.ts'
import type { Scene } from './lossCauses.ts'
import type { TrailEntry } from './trails.ts'

const { recv, settled } = recordTypes
const thrown = recordTypes.throw
const released = settlements.indexOf('released')

/** A delivery, as one that an earlier one of the same message was followed by. */
export interface Repeat {
  readonly message: number
  readonly previous: TrailEntry
  readonly next: TrailEntry
  /** Of the message's group, by time. */
  readonly trail: readonly TrailEntry[]
  /** It may have been stored more than once. */
  readonly hasCopies: boolean
}

/** All causes that fit, the preferred one first, but for a copy that the producer made. */
export function repeatCauses(repeat: Repeat, scene: Scene): Match[] {
  const { previous, next, trail } = repeat
  const { terms, episodes } = scene
  const fromNs = previous.timeNs
  const toNs = next.timeNs
  const ofPrevious = trail.filter(
    ({ ledger, timeNs }) => ledger === previous.ledger && timeNs >= fromNs && timeNs <= toNs,
  )
  const downs = episodes.brokerDowns.filter((down) => touches(down, fromNs, toNs))
  const isAcked =
    terms.isSettleConfirmed && ofPrevious.some(isAck) && (!repeat.hasCopies || areAllAcked(repeat))
  const isDown = (how: 'stop' | 'crash') =>
    downs.some((down) => down.how === how) &&
    (!isAcked || terms.forgetsAcks.includes(`broker-${how}`))
  return [
    ...(isAcked ? [] : ofWorker(repeat, ofPrevious, scene)),
    ...when('broker-stop', isDown('stop')),
    ...when('broker-crash', isDown('crash')),
    ...when(
      'lease-expired',
      !isAcked && terms.leaseMs > 0 && toNs - fromNs >= terms.leaseMs * 1e6 - scene.guardNs,
    ),
  ]
}

function isAck({ type, flags }: TrailEntry): boolean {
  return type === settled && flags === 0
}

/** Every copy that this worker was handed by then: an ack does not say of which it is. */
function areAllAcked({ previous, next, trail }: Repeat): boolean {
  const before = trail.slice(0, trail.indexOf(next))
  const own = before.filter(({ ledger }) => ledger === previous.ledger)
  const acks = trail.filter(
    (entry) => entry.ledger === previous.ledger && entry.timeNs <= next.timeNs && isAck(entry),
  )
  return acks.length >= own.filter(({ type }) => type === recv).length
}

/** What the worker of the delivery before did, or what was done to it. */
function ofWorker(
  { message, previous, next }: Repeat,
  ofPrevious: readonly TrailEntry[],
  { actors, episodes, moments, budget, guardNs }: Scene,
): Match[] {
  const worker = actors[previous.ledger] as string
  const fromNs = previous.timeNs
  const toNs = next.timeNs
  const isDuring = (interval: Interval) => touches(interval, fromNs, toNs)
  const isNoted = (timeNs: number) => timeNs >= fromNs && timeNs <= toNs + guardNs
  const ended = (cause: Cause, all: readonly Episode[]) =>
    withinBudget(cause, all, budget, message, isDuring)
  return [
    ...when(
      'retry',
      ofPrevious.some(({ type }) => type === thrown),
    ),
    ...when(
      'released',
      ofPrevious.some(({ type, flags }) => type === settled && (flags & ~lateFlag) === released),
    ),
    ...ended('worker-killed', episodes.deathsOf(worker)),
    ...ended('worker-stopped', episodes.stopCallsOf(worker)),
    ...when(
      'cut-off',
      moments.cutsOf(worker).some(({ fromNs: at }) => isNoted(at)),
    ),
    ...when('network', episodes.netsOf(worker).some(isDuring)),
    ...when('rebalance', moments.revokesOf(worker).some(isNoted)),
  ]
}

function when(cause: Cause, fits: boolean): Match[] {
  return fits ? [{ cause, event: null }] : []
}
