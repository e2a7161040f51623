import type { ActorEventName, LabEvent } from '../evidence/evidence.ts'
import type { TimedEvent } from './history.ts'
import { actorName, type Interval } from './intervals.ts'

/** What one event of the supervisor began. `event`: its place among those that tell something new. */
export interface Episode extends Interval {
  readonly event: number
  /** Messages that it explains at most. Absent: as many as a worker may have in its hands. */
  readonly most?: number
}

export interface BrokerDown extends Episode {
  readonly how: 'stop' | 'crash'
}

const none: readonly never[] = []
/** What ends a worker, or its subscription, or begins it again. */
interface Turn extends Interval {
  readonly turn: LabEvent['event'] | 'CUT' | 'BACK'
}
const gone: readonly Turn['turn'][] = ['KILL', 'EXIT', 'LEAVE']
const away: readonly Turn['turn'][] = ['BROKER_DOWN', 'CUT', 'NET_ON']

/** What was done to whom, and when. */
export class Episodes {
  readonly brokerDowns: readonly BrokerDown[]
  /** From BROKER_DOWN to BROKER_UP. */
  readonly brokerOutages: readonly Interval[]
  readonly #events: readonly TimedEvent[]
  readonly #deaths: ReadonlyMap<string, Episode[]>
  readonly #stops: ReadonlyMap<string, Episode[]>
  readonly #stopCalls: ReadonlyMap<string, Episode[]>
  readonly #blocks: ReadonlyMap<string, Episode[]>
  readonly #nets: ReadonlyMap<string, Episode[]>

  constructor(events: readonly TimedEvent[]) {
    this.#events = events.filter(tellsMore)
    this.#deaths = this.#pairs(['KILL', 'EXIT'], null)
    this.#stops = this.#pairs(['STOP'], 'CONT')
    this.#stopCalls = this.#pairs(['STOP'], null)
    this.#blocks = this.#pairs(['BLOCK'], 'UNBLOCK')
    this.#nets = this.#pairs(['NET_ON'], 'NET_OFF')
    this.brokerDowns = this.#events.flatMap(({ how, fromNs, toNs }, event) =>
      how === null ? [] : [{ how, fromNs, toNs, event }],
    )
    this.brokerOutages = this.brokerDowns.map(({ fromNs, event }) => {
      const up = this.#events.find((one, at) => at > event && one.event === 'BROKER_UP')
      return { fromNs, toNs: up?.toNs ?? Number.POSITIVE_INFINITY }
    })
  }

  /** KILL and EXIT, each as long as the call took. */
  deathsOf(actor: string): readonly Episode[] {
    return this.#deaths.get(actor) ?? none
  }

  /** From STOP to CONT. */
  stopsOf(actor: string): readonly Episode[] {
    return this.#stops.get(actor) ?? none
  }

  /** Of everybody, from STOP to CONT. */
  get stops(): readonly Episode[] {
    return [...this.#stops.values()].flat()
  }

  /** From STOP to CONT, and from BLOCK to UNBLOCK. */
  standstillsOf(actor: string): readonly Episode[] {
    return [...this.stopsOf(actor), ...(this.#blocks.get(actor) ?? none)]
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
   * given afterwards, so that only its own end is one. `cuts`: when its connection was away.
   */
  livesOf(actor: string, resumes: boolean, cuts: readonly Interval[]): Interval[] {
    const turns = this.#turnsOf(actor, resumes ? [] : cuts)
    const ends = resumes ? gone : [...gone, ...away]
    const lives: Interval[] = []
    let isThere = false
    /** There, and not dropped by the broker since it subscribed, or was back. */
    let isSubscribed = false
    for (const { turn, fromNs, toNs } of turns) {
      if (turn === 'SUBSCRIBED') isThere = true
      else if (gone.includes(turn)) isThere = false
      if (turn === 'SUBSCRIBED' || turn === 'BACK') isSubscribed = isThere
      else if (turn !== 'NET_ON' && ends.includes(turn)) isSubscribed = false
      const isBegin = turn === 'SUBSCRIBED' || turn === 'BACK' || (turn === 'NET_OFF' && !resumes)
      if (!isBegin || !isSubscribed) continue
      const end = turns.find((one) => one.fromNs >= fromNs && ends.includes(one.turn))
      const endNs = end?.fromNs ?? Number.POSITIVE_INFINITY
      if (toNs <= endNs) lives.push({ fromNs: toNs, toNs: endNs })
    }
    return lives
  }

  /** What happened to a worker, and to its broker, by time. */
  #turnsOf(actor: string, cuts: readonly Interval[]): Turn[] {
    const turns = this.#events.flatMap(({ event: turn, actor: whose, fromNs, toNs }): Turn[] =>
      turn === 'BROKER_DOWN' || (whose !== null && actorName(whose) === actor)
        ? [{ turn, fromNs, toNs }]
        : [],
    )
    for (const { fromNs, toNs } of cuts) {
      turns.push({ turn: 'CUT', fromNs, toNs: fromNs })
      if (toNs !== Number.POSITIVE_INFINITY) turns.push({ turn: 'BACK', fromNs: toNs, toNs })
    }
    return turns.sort((a, b) => a.fromNs - b.fromNs)
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
export function tellsMore(
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
