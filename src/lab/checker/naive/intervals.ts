import { forever, type Happened, type Scene } from './scene.ts'

/** From and to both belong to it. */
export interface Interval {
  readonly fromNs: bigint
  readonly toNs: bigint
}

export function touches(interval: Interval, fromNs: bigint, toNs: bigint): boolean {
  return interval.fromNs <= toNs && interval.toNs >= fromNs
}

/** From each `begin` of an actor to the next `end` of it, with the place of the `begin`. */
export function outages(
  { events }: Scene,
  by: string,
  begin: 'NET_ON' | 'STOP' | 'BROKER_DOWN',
  end: 'NET_OFF' | 'CONT' | 'BROKER_UP',
): (Interval & { readonly place: number })[] {
  const own = events.filter((event) => event.by === by)
  return own
    .filter(({ event }) => event === begin)
    .map(({ fromNs, place }) => {
      const next = own.find((event) => event.event === end && event.place > place)
      return { fromNs, toNs: next?.toNs ?? forever, place }
    })
}

/** From each CUT of an actor to the next BACK in the same ledger. */
export function cuts({ all }: Scene, by: string): Interval[] {
  const own = all.filter((record) => record.by === by)
  return own
    .filter(({ type }) => type === 'cut')
    .map(({ timeNs, place }) => {
      const next = own.find((record) => record.type === 'back' && record.place > place)
      return { fromNs: timeNs, toNs: next?.timeNs ?? forever }
    })
}

/** Each CUT of an actor, with the time before it in which the actor stood still and could not know. */
export function cutSpans({ all, terms, guardNs }: Scene, by: string): Interval[] {
  const own = all.filter((record) => record.by === by)
  const stalls = own.filter(({ type }) => type === 'stall' && terms.isOwnedByConnection)
  return own
    .filter(({ type }) => type === 'cut')
    .map(({ timeNs: toNs }) => {
      const began = stalls
        .filter((stall) => stall.timeNs - stall.position <= toNs && toNs <= stall.timeNs + guardNs)
        .map((stall) => stall.timeNs - stall.position)
      const [fromNs = toNs] = [toNs, ...began].toSorted((a, b) => Number(a - b))
      return { fromNs, toNs }
    })
}

/** What happened to an actor or to the broker; the places of CUT and BACK come after all others. */
interface Turn extends Interval {
  readonly event: Happened['event'] | 'CUT' | 'BACK'
}

/** When an actor was certainly able to receive. */
export function liveIntervals(scene: Scene, by: string): Interval[] {
  const { guardNs } = scene
  const turns = turnsOf(scene, by)
  return turns
    .filter((_, at) => isStart(turns, at))
    .map((start) => {
      const end = turns.find((turn) => turn.fromNs >= start.fromNs && endsLive(turn))
      return {
        fromNs: start.toNs + guardNs,
        toNs: end === undefined ? forever : end.fromNs - guardNs,
      }
    })
    .filter(({ fromNs, toNs }) => fromNs <= toNs)
}

/** By time; of the same time, what the supervisor wrote comes first. */
function turnsOf({ events, all }: Scene, by: string): Turn[] {
  const told = all.filter((record) => record.by === by)
  // A BACK without a CUT since the one before says nothing.
  const turning = told.filter(({ type }) => type === 'cut' || type === 'back')
  const backs = turning.filter(({ type }, at) => type === 'back' && turning[at - 1]?.type === 'cut')
  const spanOf = ({ timeNs }: { timeNs: bigint }) => ({ fromNs: timeNs, toNs: timeNs })
  return [
    ...events.filter((event) => event.by === by || event.event === 'BROKER_DOWN'),
    ...told
      .filter(({ type }) => type === 'cut')
      .map((record) => ({ event: 'CUT' as const, ...spanOf(record) })),
    ...backs.map((record) => ({ event: 'BACK' as const, ...spanOf(record) })),
  ].toSorted((one, other) => Number(one.fromNs - other.fromNs))
}

function endsLive({ event }: Turn): boolean {
  return isGone(event) || event === 'BROKER_DOWN' || event === 'CUT' || event === 'NET_ON'
}

function isGone(event: Turn['event']): boolean {
  return event === 'KILL' || event === 'EXIT' || event === 'LEAVE'
}

/** It subscribes, or is there and finds back, or is subscribed and its network is healed. */
function isStart(turns: readonly Turn[], at: number): boolean {
  const event = turns[at]?.event
  const before = turns.slice(0, at)
  if (event === 'BACK') return isThere(before)
  if (event !== 'NET_OFF') return event === 'SUBSCRIBED'
  const lastAt = before.findLastIndex(
    (turn) => turn.event !== 'NET_ON' && (endsLive(turn) || isOpening(turn)),
  )
  return lastAt >= 0 && isOpening(turns[lastAt] as Turn) && isStart(turns, lastAt)
}

function isOpening({ event }: Turn): boolean {
  return event === 'SUBSCRIBED' || event === 'BACK'
}

function isThere(turns: readonly Turn[]): boolean {
  const last = turns.findLast(({ event }) => event === 'SUBSCRIBED' || isGone(event))
  return last?.event === 'SUBSCRIBED'
}
