import { recordTypes } from '../evidence/record.ts'
import type { Cause } from '../terms.ts'
import type { RepeatAccount } from './accounting.ts'
import { choose, type Match } from './explain.ts'
import type { TrailOf } from './groupTrails.ts'
import type { History } from './history.ts'
import { sampleOf } from './identityOf.ts'
import type { Scene } from './lossCauses.ts'
import { overtaken, type Repeat, repeatCauses } from './repeatCauses.ts'
import type { TrailEntry } from './trails.ts'

const { recv, done } = recordTypes
const thrown = recordTypes.throw

type Repeats = {
  readonly redelivered: RepeatAccount
  readonly reprocessed: RepeatAccount
  readonly overlap: number
}

/** Why each delivery after the first came, by message. */
type Explained = ReadonlyMap<number, readonly (Cause | null)[]>

/** `repeated`: delivered or done more than once. */
export function repeatAccounts(
  repeated: readonly number[],
  history: History,
  scene: Scene,
  trailOf: TrailOf,
): Repeats {
  const explained = explainInOrder(repeated, history, scene, trailOf)
  const causesOf = (message: number) => explained.get(message) ?? []
  return {
    redelivered: sumOf(repeated, causesOf, history),
    reprocessed: sumOf(
      repeated,
      (message) => effectCauses(trailOf(message), causesOf(message)),
      history,
    ),
    overlap: repeated.filter((message) => isOverlapping(trailOf(message))).length,
  }
}

/** What is known of one message so far. */
interface Story {
  /** By time, and which of it are deliveries. */
  readonly trail: readonly TrailEntry[]
  readonly deliveries: readonly number[]
  readonly causes: (Cause | null)[]
  /** Earlier deliveries, by number, that no later one was explained by: a hand gives back once. */
  open: number[]
  /**
   * Those that a later one was explained by as a retry, where who retries leaves a copy and the broker
   * may forget that the original was settled: that one comes again too, when its worker has ended.
   */
  retried: number[]
  /** Explained as a copy that the producer made. */
  resent: number
}

/**
 * In the order in which they came again, which is the order in which budgets are spent. Of a
 * message only its causes are kept when its last delivery was explained.
 */
function explainInOrder(
  repeated: readonly number[],
  { copies }: History,
  scene: Scene,
  trailOf: TrailOf,
): Explained {
  const repeats = repeated.flatMap((message) =>
    trailOf(message)
      .filter(({ type }) => type === recv)
      .slice(1)
      .map(({ timeNs }, at) => ({ message, number: at + 1, timeNs })),
  )
  repeats.sort((a, b) => a.timeNs - b.timeNs || a.message - b.message || a.number - b.number)
  const isLagging = scene.terms.forgetsAcks.includes('worker-killed')
  const stories = new Map<number, Story>()
  const explained = new Map<number, readonly (Cause | null)[]>()
  for (const { message, number } of repeats) {
    const story = stories.get(message) ?? storyOf(trailOf(message))
    stories.set(message, story)
    const matches = matchesOf(message, number, copies[message] as number, story, scene)
    const chosen = choose(matches, scene.terms.mayRepeat, scene.budget, message)
    story.causes.push(chosen?.cause ?? null)
    if (chosen?.cause === 'producer-retry') story.resent++
    if (chosen && chosen.previous !== null) {
      const others = (previous: number) => previous !== chosen.previous
      story.retried = story.retried.filter(others)
      if (isLagging && chosen.cause === 'retry') story.retried.push(chosen.previous)
      story.open = story.open.filter(others)
    }
    if (!chosen?.isOvertaken) story.open.push(number)
    if (number < story.deliveries.length - 1) continue
    explained.set(message, story.causes)
    stories.delete(message)
  }
  return explained
}

function storyOf(trail: readonly TrailEntry[]): Story {
  const deliveries = trail.flatMap(({ type }, at) => (type === recv ? at : []))
  return { trail, deliveries, causes: [], open: [0], retried: [], resent: 0 }
}

/**
 * `previous`: which earlier delivery it comes from. `isOvertaken`: it is itself the earlier one, and
 * nothing more comes from it.
 */
type RepeatMatch = Match & { readonly previous: number | null; readonly isOvertaken?: boolean }

/**
 * A message that was stored once comes again from the delivery before. Copies of one that may have
 * been stored more often come each from their own: which is whose nobody can see.
 */
function matchesOf(
  message: number,
  number: number,
  copies: number,
  { trail, deliveries, resent, open, retried }: Story,
  scene: Scene,
): RepeatMatch[] {
  const hasCopies = copies > 1
  const repeatOf = (previous: number): Repeat => {
    const [from, to] = [deliveries[previous] as number, deliveries[number] as number]
    return { message, from, to, trail, hasCopies }
  }
  // More are open than the last one only where there are copies, of the producer or of a retry.
  const candidates = hasCopies || retried.length > 0 ? open.toReversed() : open.slice(-1)
  const matches = candidates.flatMap((previous) => {
    const repeat = repeatOf(previous)
    const late = overtaken(repeat, scene)
    return [
      ...repeatCauses(repeat, scene).map((match): RepeatMatch => ({ ...match, previous })),
      ...late.map((match): RepeatMatch => ({ ...match, previous: null, isOvertaken: true })),
    ]
  })
  for (const previous of retried.toSorted((a, b) => b - a)) {
    const ends = repeatCauses(repeatOf(previous), scene)
    const original = ends.filter(({ cause }) => cause !== 'retry' && cause !== 'released')
    matches.push(...original.map((match): RepeatMatch => ({ ...match, previous })))
  }
  if (resent < copies - 1) matches.push({ cause: 'producer-retry', event: null, previous: null })
  return matches
}

/**
 * Why the effect happened once more, each time it did: why its delivery came, or the latest
 * delivery that had an effect before. Null for one of a worker that was handed nothing more: what
 * it had was done before, or has failed.
 */
function effectCauses(
  trail: readonly TrailEntry[],
  causes: readonly (Cause | null)[],
): (Cause | null)[] {
  /** Deliveries in the hands of each ledger's worker. */
  const hands = new Map<number, number[]>()
  const all: (Cause | null)[] = []
  let count = 0
  let latest = 0
  for (const { type, ledger } of trail) {
    const held = hands.get(ledger) ?? []
    hands.set(ledger, held)
    if (type === recv) held.push(count++)
    if (type !== done && type !== thrown) continue
    const delivery = held.pop()
    if (type === thrown) continue
    latest = Math.max(latest, delivery ?? 0)
    const isExplained = delivery !== undefined && latest > 0
    all.push(isExplained ? (causes[latest - 1] ?? null) : null)
  }
  return all.slice(1)
}

/** One message after the other: of a million that came again no list of causes is kept. */
function sumOf(
  repeated: readonly number[],
  causesOf: (message: number) => readonly (Cause | null)[],
  { origins }: History,
): RepeatAccount {
  const byCause: Partial<Record<Cause, number>> = {}
  const unknown: number[] = []
  let total = 0
  let unexplained = 0
  for (const message of repeated) {
    const before = unexplained
    for (const cause of causesOf(message)) {
      total++
      if (cause === null) unexplained++
      else byCause[cause] = (byCause[cause] ?? 0) + 1
    }
    if (unexplained > before) unknown.push(message)
  }
  return { total, byCause, unexplained, unexplainedSample: sampleOf(unknown, origins) }
}

/** Two workers finished it, and were at it at the same time. */
function isOverlapping(trail: readonly TrailEntry[]): boolean {
  const open = new Map<number, number>()
  const runs: { fromNs: number; toNs: number; ledger: number }[] = []
  for (const { type, ledger, timeNs } of trail) {
    if (type === done) {
      const fromNs = open.get(ledger)
      if (fromNs !== undefined) runs.push({ fromNs, toNs: timeNs, ledger })
    }
    if (type === recv) open.set(ledger, timeNs)
    else if (type === done || type === thrown) open.delete(ledger)
  }
  runs.sort((a, b) => a.fromNs - b.fromNs)
  /** Until when the latest were at it, by ledger. */
  const untilNs = new Map<number, number>()
  return runs.some(({ fromNs, toNs, ledger }) => {
    const isMet = [...untilNs].some(([other, ns]) => other !== ledger && ns >= fromNs)
    untilNs.set(ledger, toNs)
    return isMet
  })
}
