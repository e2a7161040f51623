import type { Evidence, LedgerFile } from '../../evidence/evidence.ts'
import type { Cause, Terms } from '../../terms.ts'
import type { BroadcastAccount, MissedAccount, SubscriberAccount } from '../broadcastAccounting.ts'
import {
  type Budget,
  budgetOf,
  choose,
  countCauses,
  countRepeats,
  free,
  type Match,
} from './budget.ts'
import { gaps, newestHanded } from './gaps.ts'
import { cuts, type Interval, liveIntervals, outages, touches } from './intervals.ts'
import {
  byIdentity,
  firstOf,
  type Message,
  nanoseconds,
  type Scene,
  sceneOf,
  those,
} from './scene.ts'
import { isDeath } from './whyLost.ts'
import { redeliveries } from './whyRepeated.ts'

/** A subscriber, what may be known of it alone, and when it was subscribed. */
interface Listener {
  readonly subscriber: number
  readonly scene: Scene
  readonly live: readonly Interval[]
}

/** The account of a broadcast: as slow and as plain as can be, to judge the fast one in tests. */
export function naiveBroadcast(
  evidence: Evidence,
  terms: Terms,
  guardMs: number,
): BroadcastAccount {
  const whole = sceneOf(evidence, terms, guardMs, null)
  const listeners = subscribersOf(evidence).map((subscriber): Listener => {
    const own = sceneOf(withOnly(subscriber, evidence), terms, guardMs, null)
    const scene = { ...own, all: whole.all }
    return { subscriber, scene, live: liveOf(scene) }
  })
  const { messages, sends } = whole
  const ending = (outcome: Message['outcome']) =>
    messages.filter((message) => message.outcome === outcome)
  const unheard = ending('ok').filter(
    (m) => !listeners.some((each) => isLive(each, m) || isDelivered(each.scene, m)),
  )
  const isTold = (m: Message) => those(sends, 'ok', m).some(({ count }) => count === 0)
  const silent = unheard.filter((m) => !isTold(m))
  const scenes = [whole, ...listeners.map(({ scene }) => scene)]
  const causes = silent.map((m) => whySilent(scenes, m))
  return {
    attempted: messages.length,
    acknowledged: ending('ok').length,
    failed: ending('fail').length,
    indeterminate: ending('info').length,
    phantom: ending('fail').filter((m) => listeners.some(({ scene }) => isDelivered(scene, m)))
      .length,
    unheard: {
      total: unheard.length,
      reported: unheard.length - silent.length,
      silent: silent.length,
      silentByCause: countCauses(causes).byCause,
    },
    subscribers: listeners.map(subscriberOf),
  }
}

function isSubscriber({ sidecar }: LedgerFile): boolean {
  return sidecar.role === 'worker' || sidecar.role === 'drainReader'
}

function subscribersOf({ ledgers }: Evidence): number[] {
  const numbers = new Set(ledgers.filter(isSubscriber).map(({ sidecar }) => sidecar.actor))
  return [...numbers].toSorted((one, other) => one - other)
}

/** As if nobody but the producers and this subscriber had written anything, and without groups. */
function withOnly(subscriber: number, evidence: Evidence): Evidence {
  const ledgers = evidence.ledgers
    .filter(
      (file) =>
        file.sidecar.role === 'producer' ||
        (isSubscriber(file) && file.sidecar.actor === subscriber),
    )
    .map(({ sidecar, bytes }) => ({ sidecar: { ...sidecar, group: null }, bytes }))
  return { ...evidence, ledgers }
}

/** When any start of the subscriber was subscribed, up to the moments of change themselves. */
function liveOf(scene: Scene): Interval[] {
  const isHarmless = (event: string) =>
    scene.terms.resumes && (event === 'NET_ON' || event === 'NET_OFF' || event === 'BROKER_DOWN')
  const events = scene.events.filter(({ event }) => !isHarmless(event))
  const all = scene.terms.resumes ? [] : scene.all
  return scene.workers.flatMap((by) => liveIntervals({ ...scene, events, all, guardNs: 0n }, by))
}

function isLive({ live }: Listener, { sentNs, okAtNs }: Message): boolean {
  return live.some((interval) => touches(interval, sentNs, okAtNs))
}

function isOwed({ live, scene: { guardNs } }: Listener, { sentNs, okAtNs }: Message): boolean {
  return live.some(({ fromNs, toNs }) => fromNs + guardNs <= sentNs && okAtNs <= toNs - guardNs)
}

function isDelivered(scene: Scene, message: Message): boolean {
  return those(scene.ours, 'recv', message).length > 0
}

function subscriberOf(listener: Listener): SubscriberAccount {
  const { subscriber, scene } = listener
  const acknowledged = scene.messages.filter(({ outcome }) => outcome === 'ok')
  const owed = acknowledged.filter((message) => isOwed(listener, message))
  const edge = acknowledged.filter((m) => isLive(listener, m) && !isOwed(listener, m))
  const budget = budgetOf(scene.terms.inHandMax)
  const neverCame = owed.filter((message) => !isDelivered(scene, message))
  // Misses take from the budgets before repeats do.
  const missed = missedOf(scene, neverCame, budget)
  const attempted = new Set(scene.messages.map(({ m }) => m))
  const strange = scene.ours.filter(({ type, m }) => type === 'recv' && !attempted.has(m))
  return {
    subscriber,
    owed: owed.length,
    edge: edge.length,
    delivered: scene.messages.filter((message) => isDelivered(scene, message)).length,
    missed,
    extra: countRepeats(redeliveries(scene, budget)),
    unexpected: strange.length,
  }
}

function missedOf(scene: Scene, missed: readonly Message[], budget: Budget): MissedAccount {
  const { mayLose } = scene.terms
  const chosen = missed
    .toSorted((one, other) => Number(one.sentNs - other.sentNs) || byIdentity(one, other))
    .map((message) => ({ message, cause: choose(whyMissed(scene, message, budget), mayLose) }))
  return {
    total: missed.length,
    ...countCauses(chosen.map(({ cause }) => cause)),
    sample: firstOf(missed),
    unexplainedSample: firstOf(
      chosen.filter(({ cause }) => cause === null).map(({ message }) => message),
    ),
  }
}

function whyMissed(scene: Scene, message: Message, budget: Budget): Match[] {
  const told = scene.workers.flatMap((by) => gaps(scene, by, 'overflow'))
  /** What waits to be read is newer than all that was, of its key at least. */
  const unread = scene.workers.flatMap((by) =>
    scene.events
      .filter((event) => event.by === by && isDeath(event))
      .map(({ toNs, place }) => ({
        fromNs: newestHanded(scene, by, undefined, message.key),
        toNs,
        place,
      })),
  )
  const died = unread.filter(touching(scene, message)).map(({ place }) => place)
  return [
    ...budget.takeFrom('overflow', message, told.filter(touching(scene, message))),
    ...budget.take('worker-killed', message, died),
    ...whyAway(scene, message).map(free),
  ]
}

/** Where some subscriber was away, or dead and perhaps still believed to be there. */
function whySilent(scenes: readonly Scene[], message: Message): Cause {
  const { sentNs } = message
  const isToDead = scenes.some(({ events, workers, terms, guardNs }) =>
    events
      .filter((event) => workers.includes(event.by) && isDeath(event))
      .map(({ fromNs, toNs }) => ({
        fromNs,
        toNs: toNs + nanoseconds(terms.reclaimWithinMs) + guardNs,
      }))
      .some((belief) => touches(belief, sentNs, sentNs)),
  )
  if (isToDead) return 'worker-killed'
  const found = new Set(scenes.flatMap((scene) => whyAway(scene, message)))
  return away.find((cause) => found.has(cause)) ?? 'no-worker'
}

const away = ['cut-off', 'network', 'broker-stop', 'broker-crash'] as const

function whyAway(scene: Scene, message: Message): Cause[] {
  const { events, workers } = scene
  const downs = (how: string) =>
    events.filter((event) => event.event === 'BROKER_DOWN' && event.how === how)
  const intervals: Record<(typeof away)[number], Interval[]> = {
    'cut-off': workers.flatMap((by) => [...cuts(scene, by), ...gaps(scene, by, 'reconnect')]),
    network: workers.flatMap((by) => outages(scene, by, 'NET_ON', 'NET_OFF')),
    'broker-stop': downs('stop'),
    'broker-crash': downs('crash'),
  }
  return away.filter((cause) => intervals[cause].some(touching(scene, message)))
}

function touching({ guardNs }: Scene, { sentNs, okAtNs }: Message) {
  return (interval: Interval) => touches(interval, sentNs, okAtNs + guardNs)
}
