import { recordTypes } from '../evidence/record.ts'
import type { Cause, Terms } from '../terms.ts'
import type { Budget } from './budget.ts'
import type { Episode, Episodes } from './episodes.ts'
import { type Match, withinBudget } from './explain.ts'
import type { Gaps } from './gaps.ts'
import { actorName, type Interval, shrunk, touches } from './intervals.ts'
import type { Moments } from './moments.ts'
import type { TrailEntry } from './trails.ts'

const { recv, done, settled, taken, routed, rerouted, noWorker, error } = recordTypes
const thrown = recordTypes.throw

/** What the causes of one group's losses and repeats are read from. Times in nanoseconds. */
export interface Scene {
  readonly terms: Terms
  readonly guardNs: number
  readonly episodes: Episodes
  readonly moments: Moments
  /** When one that was stopped may have kept all from writing. */
  readonly storeStops: readonly Interval[]
  readonly gaps: Gaps
  /** Name of the actor that wrote each ledger. */
  readonly actors: readonly string[]
  readonly budget: Budget
}

export interface LostMessage {
  readonly message: number
  readonly sentNs: number
  readonly okNs: number
  /** An ok said that nobody received it. */
  readonly isToldNobody: boolean
  /** Of all ledgers but those of other groups. */
  readonly trail: readonly TrailEntry[]
}

/** Explains losses of one group. */
export class LossCauses {
  readonly #scene: Scene
  readonly #workers: readonly string[]
  readonly #lives: readonly Interval[]
  readonly #reachNs: number
  /** From the death of a relay to the first message that another has taken. */
  readonly #withoutRelay: readonly Interval[]

  constructor(scene: Scene, workers: readonly string[], relays: readonly string[]) {
    const { episodes, moments, guardNs, terms } = scene
    this.#scene = scene
    this.#workers = workers
    const lives = workers.flatMap((worker) =>
      episodes.livesOf(worker, false, moments.cutsOf(worker)),
    )
    this.#lives = shrunk(lives, guardNs)
    this.#reachNs = terms.reclaimWithinMs * 1e6 + guardNs
    this.#withoutRelay = relays.flatMap((relay) =>
      episodes.deathsOf(relay).map(({ fromNs, toNs }) => ({
        fromNs: fromNs - guardNs,
        toNs: moments.takenOver(relay, toNs) + guardNs,
      })),
    )
  }

  /** All that fit, the preferred one first. */
  of(lost: LostMessage): Match[] {
    const { trail } = lost
    const reach = new Set(trail.flatMap((entry) => this.#hadIt(entry)))
    const has = (type: number) => trail.some((entry) => entry.type === type)
    const { terms, moments, gaps } = this.#scene
    return [
      ...when('handler-failed', terms.delivery === 'at-most-once' && has(thrown) && has(error)),
      ...when('no-worker', has(noWorker) || lost.isToldNobody),
      ...this.#dropped(lost, reach),
      ...freeFirst([
        ...this.#ended('worker-killed', lost, reach, (worker) =>
          this.#scene.episodes.deathsOf(worker),
        ),
        ...this.#ended('worker-stopped', lost, reach, (worker) =>
          this.#scene.episodes.stopsOf(worker),
        ),
      ]),
      ...when('relay-killed', this.#diedWithRelay(lost, has(taken))),
      ...this.#away('cut-off', lost, reach, (worker) => moments.cutsOf(worker)),
      ...when('cut-off', this.#around(lost, reach, (one) => gaps.absencesOf(one)).length > 0),
      ...this.#away('network', lost, reach, (worker) => this.#scene.episodes.netsOf(worker)),
      ...this.#brokerDown(lost),
      ...when('retention', terms.isRetentionReached),
      ...when('no-worker', reach.size === 0 && this.#nobodyLives(lost)),
    ]
  }

  /** The worker that this entry says had the message. */
  #hadIt({ type, ledger, actor, count }: TrailEntry): string[] {
    if (type === recv) return [this.#scene.actors[ledger] as string]
    if (type !== routed && type !== rerouted) return []
    return [actorName({ role: 'worker', actor, incarnation: count })]
  }

  #dropped(lost: LostMessage, reach: ReadonlySet<string>): Match[] {
    const { gaps, budget } = this.#scene
    const overflows = this.#around(lost, reach, (worker) => gaps.overflowsOf(worker))
    return withinBudget('overflow', overflows, budget, lost.message, () => true)
  }

  /** Gaps of who was chosen, or of anybody where that is not known, and was not handed it. */
  #around<T extends Interval>(
    { trail, sentNs, okNs }: LostMessage,
    reach: ReadonlySet<string>,
    gapsOf: (worker: string) => readonly T[],
  ): T[] {
    let lastNs = okNs
    const handed = new Set<string>()
    for (const { type, ledger, timeNs } of trail) {
      if (type === routed || type === rerouted) lastNs = Math.max(lastNs, timeNs)
      if (type === recv) handed.add(this.#scene.actors[ledger] as string)
    }
    const whose = reach.size > 0 ? [...reach] : this.#workers
    return whose
      .filter((worker) => !handed.has(worker))
      .flatMap((worker) => gapsOf(worker))
      .filter((gap) => touches(gap, sentNs, lastNs + this.#scene.guardNs))
  }

  #nobodyLives({ sentNs, okNs }: LostMessage): boolean {
    return !this.#lives.some((life) => touches(life, sentNs, okNs))
  }

  /** Lost with a worker that was killed or stopped: in its hand, on the way to it, or unseen. */
  #ended(
    cause: Cause,
    lost: LostMessage,
    reach: ReadonlySet<string>,
    episodesOf: (worker: string) => readonly Episode[],
  ): Match[] {
    const { trail, message, sentNs } = lost
    const { budget, guardNs, actors } = this.#scene
    const onTheWay: Episode[] = []
    for (const { type, actor, count, timeNs } of trail) {
      if (type !== routed && type !== rerouted) continue
      for (const end of episodesOf(actorName({ role: 'worker', actor, incarnation: count }))) {
        if (timeNs <= end.fromNs) onTheWay.push(end)
        else if (timeNs <= end.toNs + this.#reachNs) return [{ cause, event: null }]
      }
    }
    if (reach.size === 0 && !trail.some(({ type }) => type === taken)) {
      const from = sentNs - this.#reachNs
      return withinBudget(cause, this.#workers.flatMap(episodesOf), budget, message, (episode) =>
        touches(episode, from, sentNs + guardNs),
      )
    }
    const finished = finishesIn(trail)
    const held = trail.flatMap((entry, at) => {
      if (entry.type !== recv || at < (finished.get(entry.ledger) ?? 0)) return []
      return episodesOf(actors[entry.ledger] as string).filter(({ toNs }) => toNs >= entry.timeNs)
    })
    return withinBudget(cause, [...onTheWay, ...held], budget, message, () => true)
  }

  #diedWithRelay({ trail, sentNs, okNs }: LostMessage, isTaken: boolean): boolean {
    if (!isTaken) return this.#withoutRelay.some((gap) => touches(gap, sentNs, okNs))
    const isHanded = trail.some(({ type }) => type === recv)
    const { episodes, actors, guardNs } = this.#scene
    return trail.some(({ type, ledger, timeNs }) => {
      if (type !== taken) return false
      const decisions = trail.filter(
        (one) => one.ledger === ledger && one.type !== taken && one.timeNs >= timeNs,
      )
      // It writes down what it decides before it acts: just before its death it may not have.
      return episodes.deathsOf(actors[ledger] as string).some(({ fromNs, toNs }) => {
        const isActedOn = decisions.some((one) => isHanded || one.timeNs < fromNs - guardNs)
        return toNs >= timeNs && !isActedOn
      })
    })
  }

  #away(
    cause: Cause,
    { sentNs, okNs }: LostMessage,
    reach: ReadonlySet<string>,
    intervalsOf: (worker: string) => readonly Interval[],
  ): Match[] {
    const whose = reach.size > 0 ? [...reach] : this.#workers
    const until = okNs + this.#scene.guardNs
    return when(
      cause,
      whose.some((worker) => intervalsOf(worker).some((one) => touches(one, sentNs, until))),
    )
  }

  #brokerDown({ okNs }: LostMessage): Match[] {
    const { lossWindowMs } = this.#scene.terms
    const oldestNs = lossWindowMs === null ? Number.POSITIVE_INFINITY : lossWindowMs * 1e6
    const downs = this.#scene.episodes.brokerDowns.filter(({ toNs }) => okNs <= toNs)
    return [
      ...when(
        'broker-stop',
        downs.some(({ how }) => how === 'stop'),
      ),
      ...when(
        'broker-crash',
        downs.some(({ how, fromNs }) => how === 'crash' && fromNs - okNs <= oldestNs),
      ),
    ]
  }
}

function when(cause: Cause, fits: boolean): Match[] {
  return fits ? [{ cause, event: null }] : []
}

/**
 * Where each ledger says for the last time that a handler was done, or that it failed: that counts
 * only when the failure has been told or settled, too. What was received before was in no hand.
 */
function finishesIn(trail: readonly TrailEntry[]): Map<number, number> {
  const finished = new Map<number, number>()
  const failed = new Map<number, number>()
  trail.forEach(({ type, ledger }, at) => {
    if (type === done) finished.set(ledger, at)
    else if (type === thrown) failed.set(ledger, at)
    else if (type === error || type === settled) {
      const failure = failed.get(ledger)
      if (failure !== undefined) finished.set(ledger, Math.max(failure, finished.get(ledger) ?? 0))
    }
  })
  return finished
}

/** What was on its way while one stood still is not in the hands of a kill that comes later. */
function freeFirst(matches: readonly Match[]): Match[] {
  const isFree = ({ event }: Match) => event === null
  return [...matches.filter(isFree), ...matches.filter((match) => !isFree(match))]
}
