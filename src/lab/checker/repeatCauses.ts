import { givenUpFlag, lateFlag, recordTypes, settlements } from '../evidence/record.ts'
import type { Cause } from '../terms.ts'
import { cutSpansOf } from './cutSpans.ts'
import type { Episode } from './episodes.ts'
import { type Match, withinBudget } from './explain.ts'
import { type Interval, touches } from './intervals.ts'
import { mayLoseLease, tellsOfLoss } from './leaseLoss.ts'
import type { Scene } from './lossCauses.ts'
import type { TrailEntry } from './trails.ts'

const { recv, settled } = recordTypes
const thrown = recordTypes.throw
const released = settlements.indexOf('released')

/** A delivery, as one that an earlier one of the same message was followed by. */
export interface Repeat {
  readonly message: number
  /** Of the message's group, by time. */
  readonly trail: readonly TrailEntry[]
  /** Where the earlier one and this one stand there. */
  readonly from: number
  readonly to: number
  /** It may have been stored more than once. */
  readonly hasCopies: boolean
}

/** All causes that fit, the preferred one first, but for a copy that the producer made. */
export function repeatCauses(repeat: Repeat, scene: Scene): Match[] {
  const { terms, episodes } = scene
  const { fromNs, toNs, ofPrevious } = spanOf(repeat)
  const downs = episodes.brokerDowns.filter((down) => touches(down, fromNs, toNs))
  const isAcked =
    terms.isSettleConfirmed && ofPrevious.some(isAck) && (!repeat.hasCopies || areAllAcked(repeat))
  const isDown = (how: 'stop' | 'crash') =>
    downs.some((down) => down.how === how) &&
    (!isAcked || terms.forgetsAcks.includes(`broker-${how}`))
  return [
    ...(isAcked ? [] : ofWorker(repeat, scene)),
    ...when('broker-stop', isDown('stop')),
    ...when('broker-crash', isDown('crash')),
    ...when(
      'lease-expired',
      !isAcked &&
        terms.leaseMs > 0 &&
        toNs - fromNs >= terms.leaseMs * 1e6 - scene.guardNs &&
        (hasLostLease(repeat, scene) || hasNotTold(repeat, scene)),
    ),
  ]
}

/**
 * The later one was handed over before the earlier one, by its number, and its worker stood still
 * before the handler could write so: meanwhile its lease or its connection ended, and another had the
 * message.
 */
export function overtaken({ message, trail, from, to }: Repeat, scene: Scene): Match[] {
  const { terms, actors, episodes, budget, guardNs } = scene
  const first = trail[from] as TrailEntry
  const again = trail[to] as TrailEntry
  if (again.ledger === first.ledger || again.count > first.count) return []
  const worker = actors[again.ledger] as string
  const isMeanwhile = ({ fromNs, toNs }: Interval) =>
    fromNs <= first.timeNs && again.timeNs <= toNs + guardNs
  const cuts = terms.isOwnedByConnection ? cutSpansOf(scene, worker) : []
  return [
    ...withinBudget('worker-stopped', episodes.stopsOf(worker), budget, message, isMeanwhile),
    ...when('cut-off', cuts.some(isMeanwhile)),
  ]
}

/** From one delivery to the next, and what the worker of the first wrote meanwhile. */
function spanOf({ trail, from, to }: Repeat) {
  const { ledger, timeNs: fromNs } = trail[from] as TrailEntry
  const { timeNs: toNs } = trail[to] as TrailEntry
  let first = from
  let end = to + 1
  while (trail[first - 1]?.timeNs === fromNs) first--
  while (trail[end]?.timeNs === toNs) end++
  const ofPrevious = trail.slice(first, end).filter((entry) => entry.ledger === ledger)
  return { ledger, fromNs, toNs, ofPrevious }
}

/** The worker of the delivery before said so, however late, and something was the matter with it. */
function hasLostLease({ trail, from }: Repeat, scene: Scene): boolean {
  const { ledger, timeNs } = trail[from] as TrailEntry
  for (let at = from + 1; at < trail.length; at++) {
    const entry = trail[at] as TrailEntry
    if (entry.ledger !== ledger) continue
    if (entry.type === recv) return false
    const worker = scene.actors[ledger] as string
    if (tellsOfLoss(entry)) return mayLoseLease(scene, worker, timeNs, entry.timeNs)
  }
  return false
}

/** It had acknowledged it, and may have stood still before the broker heard of that. */
function hasNotTold(repeat: Repeat, scene: Scene): boolean {
  const { ledger, fromNs, toNs, ofPrevious } = spanOf(repeat)
  const isToldLater = scene.terms.forgetsAcks.includes('worker-killed')
  return (
    isToldLater &&
    ofPrevious.some(isAck) &&
    mayLoseLease(scene, scene.actors[ledger] as string, fromNs, toNs)
  )
}

function isAck({ type, flags }: TrailEntry): boolean {
  return type === settled && flags === 0
}

/** Every copy that this worker was handed by then: an ack does not say of which it is. */
function areAllAcked({ from, to, trail }: Repeat): boolean {
  const whose = trail[from]?.ledger
  const untilNs = trail[to]?.timeNs as number
  const own = trail.slice(0, to).filter(({ ledger }) => ledger === whose)
  const acks = trail.filter(
    (entry) => entry.ledger === whose && entry.timeNs <= untilNs && isAck(entry),
  )
  return acks.length >= own.filter(({ type }) => type === recv).length
}

/** What the worker of the delivery before did, or what was done to it. */
function ofWorker(repeat: Repeat, scene: Scene): Match[] {
  const { terms, actors, episodes, moments, budget, guardNs } = scene
  const { ledger, fromNs, toNs, ofPrevious } = spanOf(repeat)
  const worker = actors[ledger] as string
  const isDuring = (interval: Interval) => touches(interval, fromNs, toNs)
  const isNoted = (timeNs: number) => timeNs >= fromNs && timeNs <= toNs + guardNs
  // What it had acknowledged it had not in its hands any more.
  const isFree = terms.forgetsAcks.includes('worker-killed') && ofPrevious.some(isAck)
  const ended = (cause: Cause, all: readonly Episode[]) =>
    isFree
      ? when(cause, all.some(isDuring))
      : withinBudget(cause, all, budget, repeat.message, isDuring)
  return [
    ...when(
      'retry',
      ofPrevious.some(({ type, flags }) => type === thrown && (flags & givenUpFlag) === 0),
    ),
    ...when(
      'released',
      ofPrevious.some(({ type, flags }) => type === settled && (flags & ~lateFlag) === released),
    ),
    ...ended('worker-killed', episodes.deathsOf(worker)),
    ...ended('worker-stopped', episodes.stopCallsOf(worker)),
    ...when(
      'cut-off',
      cutSpansOf(scene, worker).some((cut) => touches(cut, fromNs, toNs + guardNs)),
    ),
    ...when('network', episodes.netsOf(worker).some(isDuring)),
    ...when('rebalance', moments.revokesOf(worker).some(isNoted)),
  ]
}

function when(cause: Cause, fits: boolean): Match[] {
  return fits ? [{ cause, event: null }] : []
}
