import type { ActorId, LabEvent } from '../evidence/evidence.ts'
import type { TimedEvent } from './history.ts'

/** From when a fault was applied until it was healed. */
export interface FaultWindow {
  readonly fault: 'kill' | 'stop' | 'block' | 'network' | 'broker-stop' | 'broker-crash'
  /** Null: the broker. */
  readonly actor: ActorId | null
  readonly fromNs: number
  readonly toNs: number
}

/** By their beginning. What was never healed lasts until `endNs`. */
export function faultWindows(events: readonly TimedEvent[], endNs: number): FaultWindow[] {
  return events.flatMap((event, place) => {
    const fault = faultOf(event)
    if (!fault) return []
    const healed = events.find((later, at) => at > place && heals(event, later))
    const { actor, fromNs } = event
    return [{ fault, actor, fromNs, toNs: healed?.toNs ?? Math.max(event.toNs, endNs) }]
  })
}

function faultOf({ event, how }: TimedEvent): FaultWindow['fault'] | null {
  if (event === 'KILL') return 'kill'
  if (event === 'STOP') return 'stop'
  if (event === 'BLOCK') return 'block'
  if (event === 'NET_ON') return 'network'
  if (event === 'BROKER_DOWN') return how === 'crash' ? 'broker-crash' : 'broker-stop'
  return null
}

function heals(fault: TimedEvent, { event, actor }: TimedEvent): boolean {
  if (fault.event === 'BROKER_DOWN') return event === 'BROKER_UP'
  if (!fault.actor || actor?.role !== fault.actor.role || actor.actor !== fault.actor.actor) {
    return false
  }
  const isNext = actor.incarnation > fault.actor.incarnation
  if (fault.event === 'NET_ON') return event === 'NET_OFF' // whichever start runs by then
  if (fault.event === 'STOP' && !isNext) return event === 'CONT'
  if (fault.event === 'BLOCK' && !isNext) return event === 'UNBLOCK'
  return isNext && event === isBack[actor.role]
}

/** A worker that is ready, and not yet subscribed, is given nothing. */
const isBack: Readonly<Record<ActorId['role'], LabEvent['event']>> = {
  producer: 'READY',
  worker: 'SUBSCRIBED',
  relay: 'READY',
  deadReader: 'READY',
  drainReader: 'SUBSCRIBED',
}
