import type { Evidence } from '../evidence/evidence.ts'
import { givenUpFlag, lateFlag, type RecordType } from '../evidence/record.ts'
import type { Terms } from '../terms.ts'
import type { GroupAccount, LossAccount } from './accounting.ts'
import { type Budget, budgetOf, choose, countCauses, countRepeats } from './naive/budget.ts'
import { touches } from './naive/intervals.ts'
import { lateUnfounded } from './naive/lateWork.ts'
import { byIdentity, firstOf, type Message, type Scene, sceneOf, those } from './naive/scene.ts'
import { shapeOf } from './naive/shape.ts'
import { isDeath, whyLost } from './naive/whyLost.ts'
import { redeliveries, reprocessings } from './naive/whyRepeated.ts'

/**
 * The account of a queue, a narrowcast or a stream, once for each group: as slow and as plain as
 * can be, to judge the fast one in tests.
 */
export function naiveAccount(evidence: Evidence, terms: Terms, guardMs: number): GroupAccount[] {
  return groupsOf(evidence).map((group) => ({
    group,
    ...accountOf(sceneOf(evidence, terms, guardMs, group)),
  }))
}

/** By name, null first. */
function groupsOf({ ledgers }: Evidence): (string | null)[] {
  const groups = new Set<string | null>()
  for (const { sidecar } of ledgers) {
    if (sidecar.role === 'worker' || sidecar.role === 'drainReader') groups.add(sidecar.group)
  }
  const names = [...groups].filter((group) => group !== null).toSorted()
  return groups.has(null) || groups.size === 0 ? [null, ...names] : names
}

function accountOf(scene: Scene): Omit<GroupAccount, 'group'> {
  const { ours, messages } = scene
  const having = (type: RecordType) =>
    new Set(messages.filter((message) => those(ours, type, message).length > 0))
  const ending = (outcome: Message['outcome']) =>
    new Set(messages.filter((message) => message.outcome === outcome))
  const [acknowledged, failed, indeterminate] = [ending('ok'), ending('fail'), ending('info')]
  const [delivered, processed, dead, residual] = [
    having('recv'),
    having('done'),
    having('dead'),
    having('left'),
  ]
  const settled = new Set([...processed, ...dead, ...residual])
  const count = (test: (message: Message) => boolean) => messages.filter(test).length

  const lost = messages.filter((m) => acknowledged.has(m) && !settled.has(m))
  const budget = budgetOf(scene.terms.inHandMax)
  const losses = lossesOf(scene, [...acknowledged], lost, budget)
  const redelivered = redeliveries(scene, budget)
  const reprocessed = new Map(
    messages.map((m) => [m, reprocessings(scene, m, redelivered.get(m) ?? [])]),
  )
  return {
    attempted: messages.length,
    acknowledged: acknowledged.size,
    failed: failed.size,
    indeterminate: indeterminate.size,
    delivered: delivered.size,
    processed: processed.size,
    dead: dead.size,
    residual: residual.size,
    stuck: count(
      (m) => acknowledged.has(m) && residual.has(m) && !processed.has(m) && !dead.has(m),
    ),
    unsettled: count((m) => processed.has(m) && residual.has(m)),
    leftAcked: count((m) => residual.has(m) && isAcked(scene, m)),
    ackedBeyond: count((m) => isAckedBeyond(scene, m)),
    recovered: count((m) => indeterminate.has(m) && settled.has(m)),
    phantom: count((m) => failed.has(m) && (delivered.has(m) || dead.has(m) || residual.has(m))),
    unexpected: unexpectedOf(scene),
    late: lateOf(scene),
    lateUnfounded: messages.reduce((sum, message) => sum + lateUnfounded(scene, message), 0),
    overlap: count((m) => isOverlapping(scene, m)),
    storedTwice: count((m) => isStoredTwice(scene, m)),
    effectNotOne: count(
      (m) => settled.has(m) && !dead.has(m) && those(ours, 'done', m).length !== 1,
    ),
    deadUnfounded: count((m) => dead.has(m) && isUnfounded(scene, m)),
    retriedBeyond: count((m) => isRetriedBeyond(scene, m)),
    lost: losses,
    redelivered: countRepeats(redelivered),
    reprocessed: countRepeats(reprocessed),
  }
}

/** The broker confirms acks, has as many as copies, and had no reason to forget any. */
function isAcked(scene: Scene, message: Message): boolean {
  const isEach = scene.terms.isSettleConfirmed && acksOf(scene, message) >= copiesOf(message)
  return isEach && !mayForget(scene, message)
}

function isAckedBeyond(scene: Scene, message: Message): boolean {
  const isBeyond = scene.terms.isSettleConfirmed && acksOf(scene, message) > copiesOf(message)
  return isBeyond && !isStoredTwice(scene, message) && !mayForget(scene, message)
}

function acksOf({ ours }: Scene, message: Message): number {
  return those(ours, 'settled', message).filter(({ flags }) => flags === 0).length
}

function copiesOf({ copies }: Message): number {
  return Math.max(1, copies)
}

function mayForget({ events, terms }: Scene, message: Message): boolean {
  const since = events.filter(({ toNs }) => toNs >= message.sentNs)
  const isDown = ({ event, how }: (typeof events)[number]) =>
    event === 'BROKER_DOWN' && terms.forgetsAcks.some((cause) => cause === `broker-${how}`)
  if (!terms.forgetsAcks.includes('worker-killed')) return since.some(isDown)
  return since.some(({ event }) => event === 'BROKER_DOWN')
}

/** Some dead letter of it has no reason, or not the failures or owners that its reason needs. */
function isUnfounded(scene: Scene, message: Message): boolean {
  const { ours, terms } = scene
  const failures = those(ours, 'throw', message).filter(({ flags }) => flags < givenUpFlag).length
  const handed = those(ours, 'recv', message).length
  const owners = terms.areCrashesMixed ? Math.max(handed, endsSince(scene, message)) : handed
  const letters = those(ours, 'dead', message)
  const told = letters.filter(({ flags }) => flags === 0).map(({ count }) => count)
  return letters.some(({ flags }) => {
    if (flags === 0) return failures < terms.attempts || Math.max(...told) !== terms.attempts
    return flags === 1 ? owners < terms.deliveriesMax : true
  })
}

/** Each of these may have had it on its way to it, unseen. */
function endsSince({ events, ours, workers }: Scene, message: Message): number {
  const dead = events.filter(
    (one) => isDeath(one) && workers.includes(one.by) && one.toNs >= message.sentNs,
  )
  return new Set(dead.map(({ by }) => by)).size + ours.filter(({ type }) => type === 'cut').length
}

/** Every copy may be given back for another try once less than it may be tried. */
function isRetriedBeyond(scene: Scene, message: Message): boolean {
  const { ours, terms } = scene
  const copies =
    copiesOf(message) + (terms.forgetsAcks.includes('worker-killed') ? lapses(scene, message) : 0)
  const retries = those(ours, 'settled', message).filter(({ flags }) => flags === 1).length
  const ended = those(ours, 'done', message).length + those(ours, 'throw', message).length
  const unended = those(ours, 'recv', message).length - ended
  const isBeyond = retries > copies * (terms.attempts - 1) || unended > copies * terms.deliveriesMax
  return isBeyond && !mayForget(scene, message)
}

/** Times that a worker may not have told what it did. */
function lapses({ events }: Scene, message: Message): number {
  const silencing = ['KILL', 'EXIT', 'STOP', 'BLOCK', 'NET_ON']
  return events.filter(
    ({ event, role, toNs }) =>
      silencing.includes(event) &&
      role !== 'producer' &&
      role !== 'relay' &&
      toNs >= message.sentNs,
  ).length
}

function lossesOf(
  scene: Scene,
  acknowledged: readonly Message[],
  lost: readonly Message[],
  budget: Budget,
): LossAccount {
  const isDelivered = (message: Message) => those(scene.ours, 'recv', message).length > 0
  const chosen = lost
    .toSorted((one, other) => Number(one.sentNs - other.sentNs) || byIdentity(one, other))
    .map((message) => {
      const cause = choose(whyLost(scene, message, budget), scene.terms.mayLose)
      return { message, cause, isSilent: !isReported(scene, message) && cause !== 'overflow' }
    })
  const silent = chosen.filter(({ isSilent }) => isSilent)
  return {
    total: lost.length,
    broker: lost.filter((message) => !isDelivered(message)).length,
    worker: lost.filter(isDelivered).length,
    reported: lost.length - silent.length,
    silent: silent.length,
    ...shapeOf(acknowledged, new Set(lost)),
    ...countCauses(chosen.map(({ cause }) => cause)),
    silentByCause: countCauses(silent.map(({ cause }) => cause)).byCause,
    sample: firstOf(lost),
    unexplainedSample: firstOf(
      chosen.filter(({ cause }) => cause === null).map(({ message }) => message),
    ),
  }
}

function isReported({ sends, routes, ours }: Scene, message: Message): boolean {
  return (
    those(sends, 'ok', message).some(({ count }) => count === 0) ||
    those(routes, 'noWorker', message).length > 0 ||
    those(ours, 'error', message).length > 0
  )
}

function unexpectedOf({ ours, messages }: Scene): number {
  const attempted = new Set(messages.map(({ m }) => m))
  return ours.filter(({ type, m }) => type === 'recv' && !attempted.has(m)).length
}

function lateOf({ ours, messages }: Scene): number {
  const settlements = messages.flatMap((message) => those(ours, 'settled', message))
  return settlements.filter(({ flags }) => (flags & lateFlag) !== 0).length
}

function isOverlapping({ ours }: Scene, message: Message): boolean {
  const deliveries = those(ours, 'recv', message)
  const own = (['recv', 'done', 'throw'] as const).flatMap((type) => those(ours, type, message))
  const hands = deliveries.flatMap(({ by, place, timeNs }) => {
    const later = own.filter((record) => record.by === by && record.place > place)
    // With another RECV the hand stays open for ever.
    const next = later.toSorted((one, other) => one.place - other.place)[0]
    return next?.type === 'done' ? [{ by, fromNs: timeNs, toNs: next.timeNs }] : []
  })
  return hands.some((one) =>
    hands.some((other) => one.by !== other.by && touches(one, other.fromNs, other.toNs)),
  )
}

function isStoredTwice({ sends, ours }: Scene, message: Message): boolean {
  const stored = [...those(sends, 'ok', message), ...those(ours, 'recv', message)]
  const positions = stored.map(({ position }) => position).filter((position) => position !== 0n)
  return new Set(positions).size > 1
}
