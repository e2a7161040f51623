import { givenUpFlag, settlements } from '../../evidence/record.ts'
import type { Cause } from '../../terms.ts'
import { type Budget, choose, free, type Match } from './budget.ts'
import { cutSpans, outages, touches } from './intervals.ts'
import { isExcused, saysLost } from './lateWork.ts'
import {
  byIdentity,
  inTime,
  type Message,
  nanoseconds,
  type Scene,
  type Told,
  those,
} from './scene.ts'
import { isDeath } from './whyLost.ts'

/** A delivery after the first: its number from 2, and all before, the latest first. */
interface Repeat {
  readonly message: Message
  readonly number: number
  readonly before: readonly Told[]
  readonly again: Told
}

/** Deliveries that were followed by another; of these, those by a copy whose original may still come. */
interface Given {
  readonly back: Set<Told>
  readonly byCopy: Set<Told>
}

/** The causes of delivery 2, 3 … of each message; null: unexplained. */
export function redeliveries(scene: Scene, budget: Budget): Map<Message, (Cause | null)[]> {
  const chosen = new Map<Message, (Cause | null)[]>()
  const given: Given = { back: new Set(), byCopy: new Set() }
  for (const repeat of repeatsOf(scene)) {
    const earlier = chosen.get(repeat.message) ?? []
    const matches = whyRepeated(scene, repeat, budget, earlier, given)
    chosen.set(repeat.message, [...earlier, choose(matches, scene.terms.mayRepeat)])
  }
  return chosen
}

function repeatsOf(scene: Scene): Repeat[] {
  const repeats: Repeat[] = []
  for (const message of scene.messages) {
    const deliveries = inTime(those(scene.ours, 'recv', message))
    for (const [at, again] of deliveries.entries()) {
      const before = deliveries.slice(0, at).toReversed()
      if (before.length > 0) repeats.push({ message, number: at + 1, before, again })
    }
  }
  return repeats.toSorted(
    (one, other) =>
      Number(one.again.timeNs - other.again.timeNs) ||
      byIdentity(one.message, other.message) ||
      one.number - other.number,
  )
}

function whyRepeated(
  scene: Scene,
  { message, before, again }: Repeat,
  budget: Budget,
  earlier: readonly (Cause | null)[],
  given: Given,
): Match[] {
  const resent = earlier.filter((cause) => cause === 'producer-retry').length
  const isResent = resent < message.copies - 1
  const ofCopies = before.filter((delivery) => given.byCopy.has(delivery))
  // Of one copy the last delivery is followed by the next; of several it may be any.
  const open = before.filter((delivery) => !given.back.has(delivery))
  const hasCopies = message.copies > 1 || ofCopies.length > 0
  const isForgetful = scene.terms.forgetsAcks.includes('worker-killed')
  const causes = (delivery: Told) =>
    isAcked(scene, message, delivery, again)
      ? brokerForgot(scene, delivery, again)
      : whyNotSettled(scene, message, delivery, again, budget)
  const matches = (hasCopies ? open : open.slice(0, 1)).flatMap((delivery) => [
    ...causes(delivery).map((match) => ({
      ...match,
      note() {
        given.back.add(delivery)
        if (isForgetful && match.cause === 'retry') given.byCopy.add(delivery)
      },
    })),
    // From this one nothing comes any more: what follows comes from the one that overtook it.
    ...whyWrittenLate(scene, message, delivery, again, budget).map((match) => ({
      ...match,
      note: () => given.back.add(again),
    })),
  ])
  const originals = ofCopies.flatMap((delivery) =>
    causes(delivery)
      .filter(({ cause }) => cause !== 'retry' && cause !== 'released')
      .map((match) => ({ ...match, note: () => given.byCopy.delete(delivery) })),
  )
  return [...matches, ...originals, ...(isResent ? [free('producer-retry')] : [])]
}

/** It was handed over first, and its worker stood still until after the other was handed it. */
function whyWrittenLate(
  scene: Scene,
  message: Message,
  before: Told,
  again: Told,
  budget: Budget,
): Match[] {
  if (before.by === again.by || before.count < again.count) return []
  const stops = outages(scene, again.by, 'STOP', 'CONT')
    .filter(({ fromNs }) => fromNs <= before.timeNs)
    .filter(({ toNs }) => again.timeNs <= toNs + scene.guardNs)
  const isCut = cutSpans(scene, again.by)
    .filter(({ fromNs }) => fromNs <= before.timeNs)
    .some(({ toNs }) => again.timeNs <= toNs + scene.guardNs)
  return [
    ...budget.take(
      'worker-stopped',
      message,
      stops.map(({ place }) => place),
    ),
    ...(isCut && scene.terms.isOwnedByConnection ? [free('cut-off')] : []),
  ]
}

function isAcked(scene: Scene, message: Message, before: Told, again: Told): boolean {
  const acks = those(scene.ours, 'settled', message).filter(({ flags }) => flags === 0)
  const isAny = acks.some((ack) => isBetween(ack, before, again))
  if (!scene.terms.isSettleConfirmed || !isAny) return false
  if (message.copies <= 1) return true
  // An ack does not say of which copy it is: all that this worker was handed have to be.
  const deliveries = inTime(those(scene.ours, 'recv', message))
  const handed = deliveries.slice(0, deliveries.indexOf(again)).filter(({ by }) => by === before.by)
  const acked = acks.filter(({ by, timeNs }) => by === before.by && timeNs <= again.timeNs)
  return acked.length >= handed.length
}

/** By the same actor as the delivery before, and from that delivery to the next, ends included. */
function isBetween(record: Told, before: Told, again: Told, lateNs = 0n): boolean {
  return (
    record.by === before.by &&
    record.timeNs >= before.timeNs &&
    record.timeNs <= again.timeNs + lateNs
  )
}

function brokerForgot(scene: Scene, before: Told, again: Told): Match[] {
  return brokerDown(scene, before, again).filter(({ cause }) =>
    scene.terms.forgetsAcks.some((forgets) => forgets === cause),
  )
}

function brokerDown({ events }: Scene, before: Told, again: Told): Match[] {
  const isDown = (how: 'stop' | 'crash') =>
    events.some(
      (event) =>
        event.event === 'BROKER_DOWN' &&
        event.how === how &&
        touches(event, before.timeNs, again.timeNs),
    )
  return [
    ...(isDown('stop') ? [free('broker-stop')] : []),
    ...(isDown('crash') ? [free('broker-crash')] : []),
  ]
}

function whyNotSettled(
  scene: Scene,
  message: Message,
  before: Told,
  again: Told,
  budget: Budget,
): Match[] {
  const { ours, events, terms, guardNs } = scene
  const between = ours.filter((record) => isBetween(record, before, again))
  const soonAfter = ours.filter((record) => isBetween(record, before, again, guardNs))
  const isReleased = those(between, 'settled', message).some(
    ({ flags }) => settlements[flags & 0x7f] === 'released',
  )
  const hasFailed = those(between, 'throw', message).some(({ flags }) => flags < givenUpFlag)
  const own = events.filter(
    (event) => event.by === before.by && touches(event, before.timeNs, again.timeNs),
  )
  const killed = own.filter(isDeath).map(({ place }) => place)
  const stopped = own.filter(({ event }) => event === 'STOP').map(({ place }) => place)
  const isToldLater =
    terms.forgetsAcks.includes('worker-killed') &&
    those(between, 'settled', message).some(({ flags }) => flags === 0)
  const ended = (cause: Cause, places: readonly number[]) => {
    if (!isToldLater) return budget.take(cause, message, places)
    return places.length > 0 ? [free(cause)] : []
  }
  const isOffNet = outages(scene, before.by, 'NET_ON', 'NET_OFF').some((interval) =>
    touches(interval, before.timeNs, again.timeNs),
  )
  const isCutOff = cutSpans(scene, before.by).some((cut) =>
    touches(cut, before.timeNs, again.timeNs + guardNs),
  )
  const isLeaseOver =
    terms.leaseMs > 0 &&
    again.timeNs - before.timeNs >= nanoseconds(terms.leaseMs) - guardNs &&
    (isLeaseLost(scene, message, before) ||
      (isToldLater && isExcused(scene, before.by, before.timeNs, again.timeNs)))
  return [
    ...(hasFailed ? [free('retry')] : []),
    ...(isReleased ? [free('released')] : []),
    ...ended('worker-killed', killed),
    ...ended('worker-stopped', stopped),
    ...(isCutOff ? [free('cut-off')] : []),
    ...(isOffNet ? [free('network')] : []),
    ...(soonAfter.some(({ type }) => type === 'revoke') ? [free('rebalance')] : []),
    ...brokerDown(scene, before, again),
    ...(isLeaseOver ? [free('lease-expired')] : []),
  ]
}

/** Its worker wrote so before it was handed the message again, with a reason. */
function isLeaseLost(scene: Scene, message: Message, before: Told): boolean {
  const later = scene.ours.filter(
    ({ by, m, place }) => by === before.by && m === message.m && place > before.place,
  )
  const next = later.findIndex(({ type }) => type === 'recv')
  const first = (next < 0 ? later : later.slice(0, next)).find(saysLost)
  return first !== undefined && isExcused(scene, before.by, before.timeNs, first.timeNs)
}

/** The cause of each effect after the first: that of the latest delivery which had an effect by then. */
export function reprocessings(
  scene: Scene,
  message: Message,
  redelivered: readonly (Cause | null)[],
): (Cause | null)[] {
  const deliveries = inTime(those(scene.ours, 'recv', message))
  const dones = inTime(those(scene.ours, 'done', message))
  const numbers = dones.map((done) => {
    const hand = handOf(scene, message, done)
    return hand === undefined ? null : deliveries.indexOf(hand) + 1
  })
  return numbers.slice(1).map((number, at) => {
    if (number === null) return null
    const largest = Math.max(...numbers.slice(0, at + 2).map((each) => each ?? 1))
    return redelivered[largest - 2] ?? null
  })
}

/** The latest delivery that its worker had neither done nor failed before. */
function handOf({ ours }: Scene, message: Message, { by, place }: Told): Told | undefined {
  const hands: Told[] = []
  const own = ours.filter((record) => record.by === by && record.m === message.m)
  for (const record of own.filter((one) => one.place < place)) {
    if (record.type === 'recv') hands.push(record)
    if (record.type === 'done' || record.type === 'throw') hands.pop()
  }
  return hands.at(-1)
}
