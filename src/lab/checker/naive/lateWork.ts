import { cuts, type Interval, outages, touches } from './intervals.ts'
import { type Message, nanoseconds, type Scene, type Told, those } from './scene.ts'

/** Its worker knew that the message was no longer its own. */
export function saysLost({ type, flags }: Told): boolean {
  return type === 'lost' || (type === 'settled' && flags >= 0x80)
}

/** Something that happened to the worker, or to the broker, may have ended its lease meanwhile. */
export function isExcused(scene: Scene, by: string, fromNs: bigint, toNs: bigint): boolean {
  const { terms, all, events, guardNs } = scene
  const stalls = all
    .filter((record) => record.type === 'stall' && record.by === by)
    .map(({ timeNs, position }) => ({ fromNs: timeNs - position, toNs: timeNs, position }))
    .filter((stall) => touches(stall, fromNs, toNs + guardNs))
  const stoodStillNs = stalls.reduce((sum, { position }) => sum + position, 0n)
  const everybody = [...new Set(events.map((one) => one.by))]
  const stops = everybody.flatMap((one) => outages(scene, one, 'STOP', 'CONT'))
  const apart = [
    ...outages(scene, by, 'STOP', 'CONT'),
    ...(terms.isStoreShared ? stops.filter((stop) => !hasWrites(scene, stop)) : []),
    ...outages(scene, by, 'NET_ON', 'NET_OFF'),
    ...cuts(scene, by),
    ...outages(scene, '', 'BROKER_DOWN', 'BROKER_UP'),
  ]
  return (
    (terms.leaseMs > 0 && 2n * stoodStillNs >= nanoseconds(terms.leaseMs)) ||
    apart.some((interval) => touches(interval, fromNs, toNs + guardNs))
  )
}

/** Somebody stored a message, or settled one, in the midst of it: nobody had the store to itself. */
function hasWrites({ all, guardNs }: Scene, { fromNs, toNs }: Interval): boolean {
  return all.some(
    ({ type, timeNs }) =>
      (type === 'ok' || type === 'settled') && timeNs > fromNs + guardNs && timeNs < toNs - guardNs,
  )
}

/** Settlements that came late, and nothing is known of why they did. */
export function lateUnfounded(scene: Scene, message: Message): number {
  const { ours } = scene
  return those(ours, 'settled', message).filter(({ by, place, timeNs, flags }) => {
    const hand = those(ours, 'recv', message).findLast(
      (record) => record.by === by && record.place < place,
    )
    return flags >= 0x80 && !isExcused(scene, by, hand?.timeNs ?? -(1n << 80n), timeNs)
  }).length
}
