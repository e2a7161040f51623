import { outcomeOf } from '../../checker/countMessages.ts'
import type { GroupHistory, History } from '../../checker/history.ts'
import { binAt, type TimeBins } from './timeBins.ts'

/** What may have become of a message, the worst first. */
export const fates = [
  'lost',
  'phantom',
  'stuck',
  'reprocessed',
  'dead',
  'recovered',
  'unaccepted',
  'ok',
] as const
export type Fate = (typeof fates)[number]

/** A place of a message that nobody has published. */
export const noFate = 0xff

const code = Object.fromEntries(fates.map((fate, at) => [fate, at])) as Record<Fate, number>

/** By message, in the eyes of one group of a queue, of narrowcast or of a stream. */
export function fatesOf(history: History, group: GroupHistory): Uint8Array {
  return eachPublished(history, (message, outcome) => {
    const done = group.done[message] as number
    const isDead = group.dead[message] !== 0
    const isLeft = group.left[message] !== 0
    const isSeen = done > 0 || isDead || isLeft
    if (outcome === 'acknowledged' && !isSeen) return 'lost'
    if (outcome === 'failed' && (isSeen || group.received[message] !== 0)) return 'phantom'
    if (!isSeen) return 'unaccepted'
    if (isLeft && done === 0 && !isDead) return 'stuck'
    if (done > 1) return 'reprocessed'
    if (isDead) return 'dead'
    return outcome === 'indeterminate' ? 'recovered' : 'ok'
  })
}

/**
 * By message of a broadcast. `isMissed`: somebody was owed it and did not get it. `subscribers`: each
 * a group of its own.
 */
export function fatesOfBroadcast(
  history: History,
  subscribers: readonly GroupHistory[],
  isMissed: Uint8Array,
): Uint8Array {
  return eachPublished(history, (message, outcome) => {
    const most = subscribers.reduce((max, one) => Math.max(max, one.received[message] as number), 0)
    if (isMissed[message] === 1) return 'lost'
    if (outcome === 'failed' && most > 0) return 'phantom'
    if (outcome === 'acknowledged' && most === 0) return 'lost'
    if (most === 0) return 'unaccepted'
    if (most > 1) return 'reprocessed'
    return outcome === 'indeterminate' ? 'recovered' : 'ok'
  })
}

function eachPublished(
  { messages, attempts, told }: History,
  fateOf: (message: number, outcome: ReturnType<typeof outcomeOf>) => Fate,
): Uint8Array {
  const found = new Uint8Array(messages).fill(noFate)
  for (let message = 0; message < messages; message++) {
    if (attempts[message] === 0) continue
    found[message] = code[fateOf(message, outcomeOf(told[message] as number))]
  }
  return found
}

/** Messages of one producer by the time they were first sent. */
export interface FateRow {
  /** Null: several, as there are many. */
  readonly producer: number | null
  /** By fate, as `fates` counts, then by time. */
  readonly counts: readonly Uint32Array[]
}

export interface FateStrip {
  readonly bins: TimeBins
  readonly rows: readonly FateRow[]
  /** By fate. */
  readonly totals: Readonly<Record<Fate, number>>
}

const rowsMax = 12

export function fateStrip(
  { origins, sentNs }: Pick<History, 'origins' | 'sentNs'>,
  fateOf: Uint8Array,
  bins: TimeBins,
  baseMs: number,
): FateStrip {
  const producers = [...new Set(origins.map(({ producer }) => producer))].sort((a, b) => a - b)
  const alone = producers.length > rowsMax ? rowsMax - 1 : producers.length
  const names = [...producers.slice(0, alone), ...(alone < producers.length ? [null] : [])]
  const rows = names.map((producer) => ({
    producer,
    counts: fates.map(() => new Uint32Array(bins.count)),
  }))
  const totals = fates.map(() => 0)
  for (const { producer, first, count } of origins) {
    const row = rows[Math.min(producers.indexOf(producer), rows.length - 1)]
    for (let message = first; message < first + count; message++) {
      const fate = fateOf[message] as number
      const counts = row?.counts[fate]
      if (!counts) continue
      const bin = binAt(bins, baseMs + (sentNs[message] as number) / 1e6)
      counts[bin] = (counts[bin] as number) + 1
      totals[fate] = (totals[fate] as number) + 1
    }
  }
  const byFate = fates.map((fate, at) => [fate, totals[at]])
  return { bins, rows, totals: Object.fromEntries(byFate) as FateStrip['totals'] }
}
