import { recordTypes } from '../evidence/record.ts'
import type { Cause } from '../terms.ts'
import type { RepeatAccount } from './accounting.ts'
import { choose, type Match } from './explain.ts'
import type { TrailOf } from './groupTrails.ts'
import type { History } from './history.ts'
import { touches } from './intervals.ts'
import type { Scene } from './lossCauses.ts'
import { type Repeat, repeatCauses } from './repeatCauses.ts'
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
  const effects = repeated.flatMap((message) =>
    effectCauses(trailOf(message), explained.get(message) ?? []),
  )
  return {
    redelivered: sumOf([...explained.values()].flat()),
    reprocessed: sumOf(effects),
    overlap: repeated.filter((message) => isOverlapping(trailOf(message))).length,
  }
}

/** What is known of one message so far. */
interface Story {
  readonly causes: (Cause | null)[]
  /** Deliveries that one later delivery was explained by: what a hand gives back comes once. */
  readonly givenBack: Set<number>
}

/**
 * In the order in which they came again, which is the order in which budgets are spent. Trails
 * are asked for one at a time: all of them at once would not fit into memory.
 */
function explainInOrder(
  repeated: readonly number[],
  { copies }: History,
  scene: Scene,
  trailOf: TrailOf,
): Explained {
  const repeats = repeated.flatMap((message) =>
    deliveriesOf(trailOf(message))
      .slice(1)
      .map(({ timeNs }, at) => ({ message, number: at + 1, timeNs })),
  )
  repeats.sort((a, b) => a.timeNs - b.timeNs || a.message - b.message || a.number - b.number)
  const stories = new Map<number, Story>()
  for (const { message, number } of repeats) {
    const story = stories.get(message) ?? { causes: [], givenBack: new Set<number>() }
    stories.set(message, story)
    const matches = matchesOf(message, number, copies[message] as number, story, scene, trailOf)
    const chosen = choose(matches, scene.terms.mayRepeat, scene.budget, message)
    story.causes.push(chosen?.cause ?? null)
    if (chosen && chosen.previous !== null) story.givenBack.add(chosen.previous)
  }
  return new Map([...stories].map(([message, { causes }]) => [message, causes]))
}

/** `previous`: which earlier delivery it comes from. */
type RepeatMatch = Match & { readonly previous: number | null }

/**
 * A message that was stored once comes again from the delivery before. Copies of one that may have
 * been stored more often come each from their own: which is whose nobody can see.
 */
function matchesOf(
  message: number,
  number: number,
  copies: number,
  { causes, givenBack }: Story,
  scene: Scene,
  trailOf: TrailOf,
): RepeatMatch[] {
  const trail = trailOf(message)
  const deliveries = deliveriesOf(trail)
  const next = deliveries[number] as TrailEntry
  const matches: RepeatMatch[] = []
  for (let previous = number - 1; previous >= 0; previous--) {
    if (givenBack.has(previous)) continue
    const from = deliveries[previous] as TrailEntry
    const repeat: Repeat = { message, previous: from, next, trail, hasCopies: copies > 1 }
    matches.push(...repeatCauses(repeat, scene).map((match) => ({ ...match, previous })))
    if (copies <= 1) break
  }
  const explained = causes.filter((cause) => cause === 'producer-retry').length
  if (explained < copies - 1) matches.push({ cause: 'producer-retry', event: null, previous: null })
  return matches
}

function deliveriesOf(trail: readonly TrailEntry[]): TrailEntry[] {
  return trail.filter(({ type }) => type === recv)
}

/**
 * Why the effect happened once more, each time it did: why its delivery came, or the latest
 * delivery that had an effect before. Null for one of a worker that was never handed it.
 */
function effectCauses(
  trail: readonly TrailEntry[],
  causes: readonly (Cause | null)[],
): (Cause | null)[] {
  const deliveries = deliveriesOf(trail)
  let latest = 0
  const all = trail
    .filter(({ type }) => type === done)
    .map((effect) => {
      const delivery = deliveries.findLastIndex(
        (one) => one.ledger === effect.ledger && trail.indexOf(one) < trail.indexOf(effect),
      )
      latest = Math.max(latest, delivery)
      const isExplained = delivery >= 0 && latest > 0
      return isExplained ? (causes[latest - 1] ?? null) : null
    })
  return all.slice(1)
}

function sumOf(causes: readonly (Cause | null)[]): RepeatAccount {
  const byCause: Partial<Record<Cause, number>> = {}
  let unexplained = 0
  for (const cause of causes) {
    if (!cause) unexplained++
    else byCause[cause] = (byCause[cause] ?? 0) + 1
  }
  return { total: causes.length, byCause, unexplained }
}

/** Two workers finished it, and were at it at the same time. */
function isOverlapping(trail: readonly TrailEntry[]): boolean {
  const runs = deliveriesOf(trail).flatMap((delivery) => {
    const end = trail
      .slice(trail.indexOf(delivery) + 1)
      .find(
        ({ type, ledger }) =>
          ledger === delivery.ledger && (type === done || type === thrown || type === recv),
      )
    if (end?.type !== done) return []
    return [{ fromNs: delivery.timeNs, toNs: end.timeNs, ledger: delivery.ledger }]
  })
  return runs.some((one, at) =>
    runs
      .slice(at + 1)
      .some((other) => other.ledger !== one.ledger && touches(one, other.fromNs, other.toNs)),
  )
}
