import type { GapWhy } from '../../../core/driver.ts'
import type { Cause } from '../../terms.ts'
import { type Budget, free, type Match } from './budget.ts'
import { gaps } from './gaps.ts'
import { cuts, type Interval, liveIntervals, outages, touches } from './intervals.ts'
import {
  actorName,
  forever,
  type Happened,
  latest,
  type Message,
  nanoseconds,
  type Scene,
  those,
} from './scene.ts'

/** All causes that explain why an acknowledged message is lost, the preferred ones first. */
export function whyLost(scene: Scene, message: Message, budget: Budget): Match[] {
  return [
    ...(isHandlerFailed(scene, message) ? [free('handler-failed')] : []),
    ...(isToldNobody(scene, message) ? [free('no-worker')] : []),
    ...budget.takeFrom('overflow', message, gapsAround(scene, message, 'overflow')),
    ...freeFirst([
      ...endedWorker(scene, message, budget, 'worker-killed', deaths),
      ...endedWorker(scene, message, budget, 'worker-stopped', stops),
    ]),
    ...(isRelayKilled(scene, message) ? [free('relay-killed')] : []),
    ...(isCutOff(scene, message) ? [free('cut-off')] : []),
    ...(isAway(scene, message, offNet) ? [free('network')] : []),
    ...(isBrokerDown(scene, message, 'stop') ? [free('broker-stop')] : []),
    ...(isBrokerDown(scene, message, 'crash') ? [free('broker-crash')] : []),
    ...(scene.terms.isRetentionReached ? [free('retention')] : []),
    ...(isNobodyThere(scene, message) ? [free('no-worker')] : []),
  ]
}

function isHandlerFailed({ terms, ours }: Scene, message: Message): boolean {
  return (
    terms.delivery === 'at-most-once' &&
    those(ours, 'throw', message).length > 0 &&
    those(ours, 'error', message).length > 0
  )
}

function isToldNobody(scene: Scene, message: Message): boolean {
  if (those(scene.routes, 'noWorker', message).length > 0) return true
  return those(scene.sends, 'ok', message).some(({ count }) => count === 0)
}

/** Where somebody had it, or was chosen to, somebody was there. */
function isNobodyThere(scene: Scene, message: Message): boolean {
  if (reach(scene, message).size > 0) return false
  const live = scene.workers.flatMap((by) => liveIntervals(scene, by))
  return !live.some((interval) => touches(interval, message.sentNs, message.okAtNs))
}

interface End extends Interval {
  readonly place: number
}

export function isDeath({ event }: Happened): boolean {
  return event === 'KILL' || event === 'EXIT'
}

function deaths({ events }: Scene, by: string): End[] {
  return events.filter((event) => event.by === by && isDeath(event))
}

function stops(scene: Scene, by: string): End[] {
  return outages(scene, by, 'STOP', 'CONT')
}

/** What was on its way while one stood still is not in the hands of a kill that comes later. */
function freeFirst(matches: readonly Match[]): Match[] {
  return matches.toSorted((one, other) => Number(other.isFree) - Number(one.isFree))
}

function endedWorker(
  scene: Scene,
  message: Message,
  budget: Budget,
  cause: Cause,
  ends: (scene: Scene, by: string) => End[],
): Match[] {
  const { sentNs } = message
  const untilReclaimedNs = nanoseconds(scene.terms.reclaimWithinMs) + scene.guardNs
  const places: number[] = []
  for (const { by, timeNs } of routesTo(scene, message)) {
    for (const { fromNs, toNs, place } of ends(scene, by)) {
      // What was on the way when it ended was in its hand, so to speak.
      if (timeNs <= fromNs) places.push(place)
      else if (timeNs <= toNs + untilReclaimedNs) return [free(cause)]
    }
  }
  for (const { by, timeNs } of inHand(scene, message)) {
    for (const end of ends(scene, by)) if (end.toNs >= timeNs) places.push(end.place)
  }
  if (reach(scene, message).size === 0 && those(scene.routes, 'taken', message).length === 0) {
    for (const end of scene.workers.flatMap((by) => ends(scene, by))) {
      if (touches(end, sentNs - untilReclaimedNs, sentNs + scene.guardNs)) places.push(end.place)
    }
  }
  return budget.take(cause, message, places)
}

/** RECVs after which their worker has neither done the message, nor thrown and told of that. */
function inHand({ ours }: Scene, message: Message) {
  const told = [...those(ours, 'error', message), ...those(ours, 'settled', message)]
  const failed = those(ours, 'throw', message).filter(({ by, place }) =>
    told.some((later) => later.by === by && later.place > place),
  )
  const ends = [...those(ours, 'done', message), ...failed]
  return those(ours, 'recv', message).filter(
    ({ by, place }) => !ends.some((end) => end.by === by && end.place > place),
  )
}

function routesTo({ routes }: Scene, message: Message): { by: string; timeNs: bigint }[] {
  return [...those(routes, 'routed', message), ...those(routes, 'rerouted', message)].map(
    ({ actor, count, timeNs }) => ({
      by: actorName({ role: 'worker', actor, incarnation: count }),
      timeNs,
    }),
  )
}

/** Who had the message, or was chosen to have it. */
function reach(scene: Scene, message: Message): Set<string> {
  const had = [...those(scene.ours, 'recv', message), ...routesTo(scene, message)]
  return new Set(had.map(({ by }) => by))
}

function isRelayKilled({ ours, routes, events, guardNs }: Scene, message: Message): boolean {
  const ends = events.filter((event) => event.role === 'relay' && isDeath(event))
  const taken = those(routes, 'taken', message)
  if (taken.length === 0) {
    return ends.some(({ by, fromNs, toNs }) => {
      const takenOver = routes
        .filter((record) => record.type === 'taken' && record.by !== by && record.timeNs > toNs)
        .map(({ timeNs }) => timeNs)
      const overNs = takenOver.toSorted((one, other) => Number(one - other))[0] ?? forever
      const away = { fromNs: fromNs - guardNs, toNs: overNs + guardNs }
      return touches(away, message.sentNs, message.okAtNs)
    })
  }
  const isHanded = those(ours, 'recv', message).length > 0
  const decisions = (['routed', 'rerouted', 'noWorker'] as const).flatMap((type) =>
    those(routes, type, message),
  )
  return taken.some(({ by, timeNs }) => {
    const decided = decisions.filter((record) => record.by === by && record.timeNs >= timeNs)
    return ends.some((end) => {
      const isActedOn = decided.some((record) => isHanded || record.timeNs < end.fromNs - guardNs)
      return end.by === by && end.toNs >= timeNs && !isActedOn
    })
  })
}

function offNet(scene: Scene, by: string): Interval[] {
  return outages(scene, by, 'NET_ON', 'NET_OFF')
}

function isCutOff(scene: Scene, message: Message): boolean {
  return isAway(scene, message, cuts) || gapsAround(scene, message, 'reconnect').length > 0
}

/** Told by who was to have it, or by anybody where that is not known, and who was not handed it. */
function gapsAround(scene: Scene, message: Message, why: GapWhy) {
  const handed = new Set(those(scene.ours, 'recv', message).map(({ by }) => by))
  const had = reach(scene, message)
  const readers = had.size > 0 ? [...had] : scene.workers
  const lastNs = latest(message.okAtNs, ...routesTo(scene, message).map(({ timeNs }) => timeNs))
  return readers
    .filter((by) => !handed.has(by))
    .flatMap((by) => gaps(scene, by, why))
    .filter((gap) => touches(gap, message.sentNs, lastNs + scene.guardNs))
}

/** Somebody who had it, or anybody where that is not known, was away at the time. */
function isAway(
  scene: Scene,
  message: Message,
  away: (scene: Scene, by: string) => Interval[],
): boolean {
  const had = reach(scene, message)
  const readers = had.size > 0 ? [...had] : scene.workers
  return readers
    .flatMap((by) => away(scene, by))
    .some((interval) => touches(interval, message.sentNs, message.okAtNs + scene.guardNs))
}

function isBrokerDown({ events, terms }: Scene, { okAtNs }: Message, how: 'stop' | 'crash') {
  const windowNs = terms.lossWindowMs === null ? forever : nanoseconds(terms.lossWindowMs)
  return events.some(
    (event) =>
      event.event === 'BROKER_DOWN' &&
      event.how === how &&
      okAtNs <= event.toNs &&
      (how === 'stop' || event.fromNs - okAtNs <= windowNs),
  )
}
