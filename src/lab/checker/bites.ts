import type { Evidence } from '../evidence/evidence.ts'
import { recordTypes } from '../evidence/record.ts'
import { Episodes } from './episodes.ts'
import type { History } from './history.ts'
import { actorName, touches } from './intervals.ts'
import { isWorker, type Loaded } from './load.ts'
import { Moments } from './moments.ts'
import { eachRecord } from './recordCursor.ts'
import type { Bite } from './verdict.ts'

const { recv, done, invoke, ok, fail } = recordTypes
const thrown = recordTypes.throw

const justBeforeNs = 500_000_000

/** What a scenario may ask to have happened. By name, so that a scenario is data. */
export const biteNames = [
  'everyWorkerDone',
  'busyKills',
  'attemptedWithNoWorker',
  'seenElsewhere',
  'depthSeen',
  'memberChanges',
  'attemptsAboveOne',
  'brokerDowns',
  'okBeforeCrash',
  'sentWithoutRelay',
  'infoOutcomes',
  'answersLost',
] as const
export type BiteName = (typeof biteNames)[number]

export interface BiteCondition {
  readonly is: BiteName
  readonly atLeast: number
}

/** What reports say of each. */
export const biteWords: Readonly<Record<BiteName, string>> = {
  everyWorkerDone: 'messages done by the worker that did the fewest',
  busyKills: 'kills of a worker with a message in hand',
  attemptedWithNoWorker: 'messages published while no worker was there',
  seenElsewhere: 'messages of a worker that stood still that another was handed meanwhile',
  depthSeen: 'messages waiting at once',
  memberChanges: 'workers that left, died or came',
  attemptsAboveOne: 'deliveries after the first try',
  brokerDowns: 'times that the broker went down',
  okBeforeCrash: 'messages acknowledged in the half second before the broker died',
  sentWithoutRelay: 'messages published after a relay was killed and before another took over',
  infoOutcomes: 'attempts to publish of which nobody knows what became of them',
  answersLost: 'answers of the broker that the network lost',
}

/** Proof that the faults of a run hit something, condition by condition. */
export function bitesOf(
  conditions: readonly BiteCondition[],
  { history, origins }: Loaded,
  evidence: Evidence,
): Bite[] {
  const facts = factsOf({ history, origins }, evidence)
  return conditions.map(({ is, atLeast }) => ({ what: biteWords[is], atLeast, seen: facts[is]() }))
}

function factsOf(loaded: Loaded, evidence: Evidence): Readonly<Record<BiteName, () => number>> {
  const { history } = loaded
  const episodes = new Episodes(history.events)
  return {
    everyWorkerDone: () => fewestDone(evidence),
    busyKills: () => busyKills(evidence),
    attemptedWithNoWorker: () => attemptedWithNoWorker(history, episodes),
    seenElsewhere: () => seenElsewhere(loaded, evidence, episodes),
    depthSeen: () => mostWaiting(evidence),
    memberChanges: () => memberChanges(history),
    attemptsAboveOne: () => Math.max(triesAboveOne(evidence), handedAgain(history)),
    brokerDowns: () => episodes.brokerDowns.length,
    okBeforeCrash: () => okBeforeCrash(history, episodes),
    sentWithoutRelay: () => sentWithoutRelay(history, evidence),
    infoOutcomes: () => infoOutcomes(evidence),
    answersLost: () => answersLost(evidence),
  }
}

function fewestDone({ ledgers }: Evidence): number {
  const counts = new Map<number, number>()
  for (const { sidecar, bytes } of ledgers) {
    if (sidecar.role !== 'worker') continue
    let count = counts.get(sidecar.actor) ?? 0
    eachRecord(bytes, 0n, ({ type }) => {
      if (type === done) count++
    })
    counts.set(sidecar.actor, count)
  }
  return counts.size === 0 ? 0 : Math.min(...counts.values())
}

/** What a killed worker wrote down ends with its death: what is open then was in its hand. */
function busyKills({ ledgers, events }: Evidence): number {
  const killed = new Set(
    events.flatMap((event) => (event.event === 'KILL' ? [actorName(event)] : [])),
  )
  return ledgers.filter(({ sidecar, bytes }) => {
    if (!isWorker(sidecar.role) || !killed.has(actorName(sidecar))) return false
    let open = 0
    eachRecord(bytes, 0n, ({ type }) => {
      if (type === recv) open++
      else if (type === done || type === thrown) open--
    })
    return open > 0
  }).length
}

function sentWithoutRelay({ sentNs, baseNs, events }: History, { ledgers }: Evidence): number {
  const moments = new Moments(ledgers, baseNs)
  const gaps = events.flatMap(({ event, actor, toNs }) => {
    if (event !== 'KILL' || actor?.role !== 'relay') return []
    return [{ fromNs: toNs, toNs: moments.takenOver(actorName(actor), toNs) }]
  })
  return sentNs.reduce((sum, ns) => (gaps.some((gap) => touches(gap, ns, ns)) ? sum + 1 : sum), 0)
}

function infoOutcomes({ ledgers }: Evidence): number {
  let open = 0
  for (const { sidecar, bytes } of ledgers) {
    if (sidecar.role !== 'producer') continue
    eachRecord(bytes, 0n, ({ type }) => {
      if (type === invoke) open++
      else if (type === ok || type === fail) open--
    })
  }
  return open
}

function answersLost({ events }: Evidence): number {
  return events.reduce(
    (sum, event) => sum + (event.event === 'NET_OFF' ? (event.answersLost ?? 0) : 0),
    0,
  )
}

function okBeforeCrash({ okNs }: History, { brokerDowns }: Episodes): number {
  const isJustBefore = (ns: number) =>
    brokerDowns.some(({ fromNs }) => ns <= fromNs && ns >= fromNs - justBeforeNs)
  return okNs.reduce((count, ns) => (isJustBefore(ns) ? count + 1 : count), 0)
}

function attemptedWithNoWorker({ ledgers, sentNs }: History, episodes: Episodes): number {
  const workers = ledgers.filter(({ role }) => isWorker(role))
  const lives = workers.flatMap((one) => episodes.livesOf(actorName(one), false, []))
  let count = 0
  for (const sent of sentNs) {
    if (!Number.isNaN(sent) && !lives.some((life) => touches(life, sent, sent))) count++
  }
  return count
}

function seenElsewhere(
  { history, origins }: Loaded,
  { ledgers }: Evidence,
  episodes: Episodes,
): number {
  const seen = new Set<number>()
  for (const { sidecar, bytes } of ledgers) {
    for (const stop of episodes.standstillsOf(actorName(sidecar))) {
      const held = new Set<number>()
      eachRecord(bytes, history.baseNs, (record) => {
        if (record.timeNs > stop.fromNs) return
        const message = origins.indexOf(record.producer, record.incarnation, record.sequence)
        if (record.type === recv) held.add(message)
        else if (record.type === done || record.type === thrown) held.delete(message)
      })
      for (const other of ledgers) {
        if (other.bytes === bytes || !isWorker(other.sidecar.role)) continue
        eachRecord(other.bytes, history.baseNs, (record) => {
          if (record.type !== recv || !touches(stop, record.timeNs, record.timeNs)) return
          const message = origins.indexOf(record.producer, record.incarnation, record.sequence)
          if (message >= 0 && held.has(message)) seen.add(message)
        })
      }
    }
  }
  return seen.size
}

function mostWaiting({ depth }: Evidence): number {
  return depth.reduce(
    (most, { waiting }) => (waiting === 'unknown' ? most : Math.max(most, waiting)),
    0,
  )
}

/** The first start of each worker is no change. */
function memberChanges({ events }: History): number {
  const changes = events.filter(({ event, actor }) => {
    if (actor?.role !== 'worker') return false
    return (
      event === 'KILL' || event === 'LEAVE' || (event === 'SUBSCRIBED' && actor.incarnation > 0)
    )
  })
  return changes.length
}

/** Not every broker counts what came again. What was stored twice did not. */
function handedAgain({ groups, copies }: History): number {
  return groups.reduce(
    (sum, { received }) =>
      received.reduce(
        (more, count, at) => more + Math.max(0, count - Math.max(1, copies[at] as number)),
        sum,
      ),
    0,
  )
}

function triesAboveOne({ ledgers }: Evidence): number {
  let count = 0
  for (const { sidecar, bytes } of ledgers) {
    if (!isWorker(sidecar.role)) continue
    eachRecord(bytes, 0n, (record) => {
      if (record.type === recv && record.count > 1) count++
    })
  }
  return count
}
