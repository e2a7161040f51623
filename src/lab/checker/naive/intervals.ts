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
  begin: 'NET_ON' | 'STOP',
  end: 'NET_OFF' | 'CONT',
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

/** When an actor was certainly able to receive. */
export function liveIntervals(scene: Scene, by: string): Interval[] {
  const { guardNs } = scene
  const events = scene.events.filter((event) => event.by === by || event.event === 'BROKER_DOWN')
  return events
    .filter((event) => event.event === 'SUBSCRIBED' || isBackOnNet(event, events))
    .map((start) => {
      const end = events.find((event) => event.fromNs >= start.fromNs && endsLive(event))
      return {
        fromNs: start.toNs + guardNs,
        toNs: end === undefined ? forever : end.fromNs - guardNs,
      }
    })
    .filter(({ fromNs, toNs }) => fromNs <= toNs)
}

function endsLive({ event }: Happened): boolean {
  return isOver(event) || event === 'NET_ON'
}

function isOver(event: Happened['event']): boolean {
  return event === 'KILL' || event === 'EXIT' || event === 'LEAVE' || event === 'BROKER_DOWN'
}

/** It was subscribed before, and nothing but the network has come between. */
function isBackOnNet({ event, place }: Happened, events: readonly Happened[]): boolean {
  if (event !== 'NET_OFF') return false
  const before = events.filter((earlier) => earlier.place < place)
  const last = before.findLast((earlier) => earlier.event === 'SUBSCRIBED' || isOver(earlier.event))
  return last?.event === 'SUBSCRIBED'
}
