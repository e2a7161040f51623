import type { ActorEventName, LabEvent } from '../evidence/evidence.ts'
import type { TimedEvent } from './history.ts'
import { actorName, type Interval } from './intervals.ts'

/** What one event of the supervisor began. `event`: its place among those that tell something new. */
export interface Episode extends Interval {
  readonly event: number
}

export interface BrokerDown extends Episode {
  readonly how: 'stop' | 'crash'
}

const none: readonly never[] = []
/** After these a worker has to subscribe anew. */
const over: readonly LabEvent['event'][] = ['KILL', 'EXIT', 'LEAVE', 'BROKER_DOWN']

/** What was done to whom, and when. */
export class Episodes {
  readonly brokerDowns: readonly BrokerDown[]
  readonly #events: readonly TimedEvent[]
  readonly #deaths: ReadonlyMap<string, Episode[]>
  readonly #stops: ReadonlyMap<string, Episode[]>
  readonly #stopCalls: ReadonlyMap<string, Episode[]>
  readonly #nets: ReadonlyMap<string, Episode[]>

  constructor(events: readonly TimedEvent[]) {
    this.#events = events.filter(tellsMore)
    this.#deaths = this.#pairs(['KILL', 'EXIT'], null)
    this.#stops = this.#pairs(['STOP'], 'CONT')
    this.#stopCalls = this.#pairs(['STOP'], null)
    this.#nets = this.#pairs(['NET_ON'], 'NET_OFF')
    this.brokerDowns = this.#events.flatMap(({ how, fromNs, toNs }, event) =>
      how === null ? [] : [{ how, fromNs, toNs, event }],
    )
  }

  /** KILL and EXIT, each as long as the call took. */
  deathsOf(actor: string): readonly Episode[] {
    return this.#deaths.get(actor) ?? none
  }

  /** From STOP to CONT. */
  stopsOf(actor: string): readonly Episode[] {
    return this.#stops.get(actor) ?? none
  }

  /** STOP, as long as the call took. */
  stopCallsOf(actor: string): readonly Episode[] {
    return this.#stopCalls.get(actor) ?? none
  }

  /** From NET_ON to NET_OFF. */
  netsOf(actor: string): readonly Episode[] {
    return this.#nets.get(actor) ?? none
  }

  /**
   * When a worker was subscribed. `resumes`: what it misses while its connection is away it is
   * given afterwards, so that only its own end is one.
   */
  livesOf(actor: string, resumes: boolean): Interval[] {
    const lives: Interval[] = []
    /** Neither dead, nor gone, nor dropped by the broker since it subscribed. */
    let isSubscribed = false
    for (const { event, actor: whose, fromNs, toNs } of this.#events) {
      if (event !== 'BROKER_DOWN' && (whose === null || actorName(whose) !== actor)) continue
      if (event === 'SUBSCRIBED') isSubscribed = true
      else if (over.includes(event)) isSubscribed = false
      const isBack = event === 'NET_OFF' && isSubscribed && !resumes
      if (event !== 'SUBSCRIBED' && !isBack) continue
      const endNs = this.#endOf(actor, fromNs, resumes)
      if (toNs <= endNs) lives.push({ fromNs: toNs, toNs: endNs })
    }
    return lives
  }

  #endOf(actor: string, startNs: number, resumes: boolean): number {
    const end = this.#events.find(({ event, fromNs, actor: whose }) => {
      if (fromNs < startNs) return false
      if (event === 'BROKER_DOWN') return !resumes
      const isEnd = over.includes(event) || (event === 'NET_ON' && !resumes)
      return isEnd && whose !== null && actorName(whose) === actor
    })
    return end?.fromNs ?? Number.POSITIVE_INFINITY
  }

  /** Without `until`: as long as the event itself. */
  #pairs(from: ActorEventName[], until: ActorEventName | null): Map<string, Episode[]> {
    const pairs = new Map<string, Episode[]>()
    this.#events.forEach(({ event, actor, fromNs, toNs }, place) => {
      if (actor === null || !from.includes(event as ActorEventName)) return
      const name = actorName(actor)
      const end =
        until === null
          ? toNs
          : (this.#events.find(
              (one, at) =>
                at > place &&
                one.event === until &&
                one.actor !== null &&
                actorName(one.actor) === name,
            )?.toNs ?? Number.POSITIVE_INFINITY)
      const all = pairs.get(name) ?? []
      all.push({ fromNs, toNs: end, event: place })
      pairs.set(name, all)
    })
    return pairs
  }
}

/** The EXIT of what was killed is the same end once more. */
function tellsMore(
  { event, actor }: TimedEvent,
  place: number,
  events: readonly TimedEvent[],
): boolean {
  if (event !== 'EXIT' || actor === null) return true
  const name = actorName(actor)
  return !events
    .slice(0, place)
    .some((one) => one.event === 'KILL' && one.actor !== null && actorName(one.actor) === name)
}
