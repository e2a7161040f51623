import type { DepthSample, LedgerFile } from '../evidence/evidence.ts'
import { noProducer, recordTypes } from '../evidence/record.ts'
import type { Episodes } from './episodes.ts'
import { firstNotBelow } from './firstNotBelow.ts'
import { actorName, type Interval } from './intervals.ts'
import { isWorker } from './load.ts'
import type { Moments } from './moments.ts'
import { eachRecord } from './recordCursor.ts'

const { recv, done } = recordTypes
const thrown = recordTypes.throw

/** Less is not looked at: a worker may take a moment. */
export const silenceMsMin = 30_000

/** What is read of one group. Times as in a history. */
export interface Heard {
  readonly ledgers: readonly LedgerFile[]
  readonly group: string | null
  readonly baseNs: bigint
  readonly episodes: Episodes
  readonly moments: Moments
  /** What waits may be of a key that some worker has in hand: only where all are free it may not. */
  readonly isOrdered: boolean
}

/**
 * For how long, in ms, messages waited at every look into the broker while a worker was there,
 * connected and with nothing in hand, and nobody was handed anything; 0 where that was never for
 * 30 s. Null: the broker does not tell what waits in it.
 */
export function longestSilence(of: Heard, samples: readonly DepthSample[]): number | null {
  const { ledgers, group, baseNs, episodes, moments, isOrdered } = of
  const waits = waitsIn(
    samples.filter((sample) => sample.group === group),
    baseNs,
  )
  if (waits === null) return null
  const ours = ledgers.filter(({ sidecar }) => isWorker(sidecar.role) && sidecar.group === group)
  const quiet = quietIn(waits.filter(isLong), ours, baseNs)
  if (quiet.length === 0) return 0
  const hands = ours.map(({ sidecar, bytes }) => {
    const [death] = episodes.deathsOf(actorName(sidecar))
    return handsIn(bytes, baseNs, death?.fromNs ?? Number.POSITIVE_INFINITY)
  })
  const silences = isOrdered ? quiet.flatMap((one) => gaps(hands.flat(), one)) : quiet
  const longest = ours.flatMap(({ sidecar }, at) => {
    const name = actorName(sidecar)
    const apart = [...episodes.netsOf(name), ...episodes.brokerOutages, ...moments.cutsOf(name)]
    const unable = [...(hands[at] ?? []), ...episodes.stopsOf(name), ...apart]
    return episodes.livesOf(name, true, []).flatMap((life) =>
      silences.flatMap((silence) => {
        const fromNs = Math.max(life.fromNs, silence.fromNs)
        return gaps(unable, { fromNs, toNs: Math.min(life.toNs, silence.toNs) })
      }),
    )
  })
  return longest.reduce((most, { fromNs, toNs }) => Math.max(most, (toNs - fromNs) / 1e6), 0)
}

/** From the first to the last of looks one after another at which something waited. */
function waitsIn(samples: readonly DepthSample[], baseNs: bigint): Interval[] | null {
  const waits: { fromNs: number; toNs: number }[] = []
  let isWaiting = false
  for (const { timeNs, waiting } of samples) {
    const ns = Number(timeNs - baseNs)
    const last = waits.at(-1)
    if (waiting === 'unknown' || waiting === 0) isWaiting = false
    else if (isWaiting && last) last.toNs = ns
    else {
      waits.push({ fromNs: ns, toNs: ns })
      isWaiting = true
    }
  }
  return samples.some(({ waiting }) => waiting !== 'unknown') ? waits : null
}

function isLong({ fromNs, toNs }: Interval): boolean {
  return toNs - fromNs >= silenceMsMin * 1e6
}

/** When in these nobody was handed anything for long. There may be millions of deliveries. */
function quietIn(
  waits: readonly Interval[],
  ledgers: readonly LedgerFile[],
  baseNs: bigint,
): Interval[] {
  if (waits.length === 0) return []
  const received: number[] = []
  for (const { bytes } of ledgers) {
    eachRecord(bytes, baseNs, ({ type, timeNs }) => {
      if (type === recv) received.push(timeNs)
    })
  }
  const heardNs = Float64Array.from(received).sort()
  return waits.flatMap((wait) => {
    const found: Interval[] = []
    let { fromNs } = wait
    for (let at = firstNotBelow(heardNs, fromNs); fromNs < wait.toNs; at++) {
      const toNs = Math.min(heardNs[at] ?? wait.toNs, wait.toNs)
      found.push({ fromNs, toNs })
      fromNs = toNs
    }
    return found.filter(isLong)
  })
}

/** When a worker had something in hand. `endNs`: for what it never ended. */
function handsIn(bytes: Uint8Array, baseNs: bigint, endNs: number): Interval[] {
  const busy: Interval[] = []
  let open = 0
  let fromNs = 0
  eachRecord(bytes, baseNs, ({ type, producer, timeNs }) => {
    if (producer === noProducer) return // foreign: its handler ends with the record
    if (type === recv && open++ === 0) fromNs = timeNs
    const isEnd = (type === done || type === thrown) && open > 0
    if (isEnd && --open === 0) busy.push({ fromNs, toNs: timeNs })
  })
  if (open > 0) busy.push({ fromNs, toNs: endNs })
  return busy
}

/** What is left of an interval between others, as far as it is long. */
function gaps(others: readonly Interval[], { fromNs, toNs }: Interval): Interval[] {
  const found: Interval[] = []
  let freeNs = fromNs
  const end = (untilNs: number) => {
    const gap = { fromNs: freeNs, toNs: untilNs }
    if (isLong(gap)) found.push(gap)
  }
  for (const other of others.toSorted((a, b) => a.fromNs - b.fromNs)) {
    if (other.fromNs > toNs) break
    if (other.toNs < fromNs) continue
    end(other.fromNs)
    freeNs = Math.max(freeNs, other.toNs)
  }
  end(toNs)
  return found
}
