import type { Evidence, LedgerFile } from '../../evidence/evidence.ts'
import type { Terms } from '../../terms.ts'
import type { BroadcastAccount, MissedAccount, SubscriberAccount } from '../broadcastAccounting.ts'
import { budgetOf, choose, countCauses, free, type Match } from './budget.ts'
import { cuts, type Interval, liveIntervals, outages, touches } from './intervals.ts'
import { type Message, type Scene, sceneOf, those } from './scene.ts'
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
  const listeners = subscribersOf(evidence).map((subscriber): Listener => {
    const scene = sceneOf(withOnly(subscriber, evidence), terms, guardMs, null)
    return { subscriber, scene, live: liveOf(scene) }
  })
  const { messages, sends } = sceneOf(evidence, terms, guardMs, null)
  const ending = (outcome: Message['outcome']) =>
    messages.filter((message) => message.outcome === outcome)
  const unheard = ending('ok').filter((m) => !listeners.some((each) => isLive(each, m)))
  const reported = unheard.filter((m) => those(sends, 'ok', m).some(({ count }) => count === 0))
  return {
    attempted: messages.length,
    acknowledged: ending('ok').length,
    failed: ending('fail').length,
    indeterminate: ending('info').length,
    phantom: ending('fail').filter((m) => listeners.some(({ scene }) => isDelivered(scene, m)))
      .length,
    unheard: {
      total: unheard.length,
      reported: reported.length,
      silent: unheard.length - reported.length,
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
  return scene.workers.flatMap((by) => liveIntervals({ ...scene, events, guardNs: 0n }, by))
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
  const extra = [...redeliveries(scene, budgetOf(scene.terms.inHandMax)).values()].flat()
  const attempted = new Set(scene.messages.map(({ m }) => m))
  const strange = scene.ours.filter(({ type, m }) => type === 'recv' && !attempted.has(m))
  return {
    subscriber,
    owed: owed.length,
    edge: edge.length,
    delivered: scene.messages.filter((message) => isDelivered(scene, message)).length,
    missed: missedOf(
      scene,
      owed.filter((message) => !isDelivered(scene, message)),
    ),
    extra: { total: extra.length, ...countCauses(extra) },
    unexpected: strange.length,
  }
}

function missedOf(scene: Scene, missed: readonly Message[]): MissedAccount {
  const chosen = missed.map((message) => choose(whyMissed(scene, message), scene.terms.mayLose))
  return {
    total: missed.length,
    ...countCauses(chosen),
    sample: missed.slice(0, 32).map(({ identity }) => identity),
  }
}

function whyMissed(scene: Scene, { sentNs, okAtNs }: Message): Match[] {
  const { events, workers, guardNs } = scene
  const touched = (intervals: readonly Interval[]) =>
    intervals.some((interval) => touches(interval, sentNs, okAtNs + guardNs))
  const downs = events.filter(({ event }) => event === 'BROKER_DOWN')
  return [
    ...(touched(workers.flatMap((by) => cuts(scene, by))) ? [free('cut-off')] : []),
    ...(touched(workers.flatMap((by) => outages(scene, by, 'NET_ON', 'NET_OFF')))
      ? [free('network')]
      : []),
    ...(touched(downs.filter(({ how }) => how === 'stop')) ? [free('broker-stop')] : []),
    ...(touched(downs.filter(({ how }) => how === 'crash')) ? [free('broker-crash')] : []),
  ]
}
