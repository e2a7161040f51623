import type { FaultKind } from '../plan.ts'
import type { Check } from './checks.ts'

/** What has to have happened, or the run has tested nothing. */
export interface Bite {
  /** `kills that hit a message in hand` */
  readonly what: string
  readonly atLeast: number
  readonly seen: number
}

/** How a run went, apart from what became of its messages. */
export interface Course {
  /** Everybody was there before the first message was sent. */
  readonly isBarrierReached: boolean
  /** The broker was empty, or looked into, before the time for that was over. */
  readonly isDrained: boolean
  readonly planned: number
  readonly attempted: number
  /** What the broker says about itself, where the ledgers say something else. */
  readonly disagreements: readonly string[]
  readonly bites: readonly Bite[]
  /** Kinds of faults that were planned, and of which none hit anything. */
  readonly unhit: readonly UnhitKind[]
  /** Actors that nobody ended, or that did not end well: who can say what else went wrong there. */
  readonly ownEnds: readonly string[]
}

/** drawn fault: of whatever kind chance said. */
export type UnhitKind = FaultKind | 'drawn fault'

export interface Verdict {
  readonly status: 'KEPT' | 'BROKEN' | 'INCONCLUSIVE'
  /** Empty for KEPT. */
  readonly reasons: readonly string[]
}

/** What no ledger says: who counts a run again takes these from its report. */
export const notAllThere = 'not everybody was there before the first message'
export const notDrained = 'the time for draining was over, and the broker cannot be looked into'

/** Less than this share of the plan, and what was planned was not tested. */
const attemptedShareMin = 0.9

/**
 * A promise that was seen broken is broken, however little the run tested otherwise. Kept needs
 * that everything was tested.
 */
export function verdictOf(checks: readonly Check[], course: Course): Verdict {
  const withStatus = (status: Check['status']) => checks.filter((check) => check.status === status)
  const violated = withStatus('violated').map(textOf)
  if (violated.length > 0) return { status: 'BROKEN', reasons: violated }
  const unknown = withStatus('unknown').map((check) => `not known to be legal: ${textOf(check)}`)
  const reasons = [...untested(course), ...unknown]
  return { status: reasons.length === 0 ? 'KEPT' : 'INCONCLUSIVE', reasons }
}

function textOf({ promise, observed }: Check): string {
  return `${promise}; seen: ${observed}`
}

function untested(course: Course): string[] {
  const { isBarrierReached, isDrained, planned, attempted, disagreements } = course
  const { bites, unhit, ownEnds } = course
  const share = planned === 0 ? 0 : attempted / planned
  return [
    ...(isBarrierReached ? [] : [notAllThere]),
    ...(isDrained ? [] : [notDrained]),
    ...(share < attemptedShareMin
      ? [`only ${attempted.toLocaleString('en')} of ${planned.toLocaleString('en')} were sent`]
      : []),
    ...ownEnds.map((who) => `${who} ended by itself, or not well when it was told to`),
    ...disagreements.map((what) => `the broker disagrees: ${what}`),
    ...unhit.map((kind) => `no ${kind.replaceAll('-', ' ')} hit anything`),
    ...bites
      .filter(({ atLeast, seen }) => seen < atLeast)
      .map(({ what, atLeast, seen }) => `no bite: ${what}: ${seen}, at least ${atLeast} wanted`),
  ]
}
