import { backlogIn } from '../../checker/backlog.ts'
import { type Epoch, evennessOf } from '../../checker/evenness.ts'
import { faultWindows } from '../../checker/faultWindows.ts'
import type { GroupHistory, History } from '../../checker/history.ts'
import { lastNs } from '../../checker/lastNs.ts'
import { afterWarmUp } from '../../checker/latency.ts'
import type { DepthSample } from '../../evidence/evidence.ts'
import type { RunResult } from '../../run/result.ts'
import { type FateStrip, fateStrip } from './fates.ts'
import { type Lane, lanesOf, laneTicks } from './lanes.ts'
import { type LatencyBin, latencyLine, type TailPoint, tailOf } from './latencyLines.ts'
import { countsIn, type TimeBins, timeBins } from './timeBins.ts'
import { type GroupView, viewOf } from './view.ts'
import { type WorstMessages, worstMessages } from './worstMessages.ts'

/** Of a result as it is, or as it is read from the folder of a run. */
export interface PictureSource extends Pick<RunResult, 'run' | 'zeroNs' | 'evidence' | 'guardMs'> {
  readonly plan: Pick<RunResult['plan'], 'run'>
}

/** What figures are drawn from: small, however long the run was. Times are ms since time zero. */
export interface PictureData {
  readonly fromMs: number
  readonly toMs: number
  /** By their beginning. */
  readonly bands: readonly Band[]
  readonly rates: {
    readonly bins: TimeBins
    /** First oks. */
    readonly published: Uint32Array
  }
  /** In the order of the report's; one for a broadcast. */
  readonly groups: readonly GroupPicture[]
  readonly lanes: { readonly bins: TimeBins; readonly all: readonly Lane[] }
  /** After the warm-up. */
  readonly tails: {
    readonly response: readonly TailPoint[]
    readonly service: readonly TailPoint[]
  }
  readonly messages: WorstMessages
}

/** A fault, from when it was applied until it was healed. */
export interface Band {
  /** `kill worker 3` */
  readonly what: string
  readonly fromMs: number
  readonly toMs: number
}

export interface GroupPicture {
  readonly group: string | null
  readonly isBroadcast: boolean
  /** First DONEs, by the pieces of `rates`; of a broadcast by all subscribers. */
  readonly done: Uint32Array
  /** Where the broker tells. */
  readonly backlog: readonly { readonly ms: number; readonly messages: number }[]
  readonly fates: FateStrip
  readonly endToEnd: { readonly bins: TimeBins; readonly line: readonly LatencyBin[] }
  readonly evenness: readonly Epoch[]
}

const rateBins = { countMax: 240, binMsMin: 100 } as const
/** Of many producers, groups or workers each is drawn in fewer pieces, so that a page stays small. */
const fateBins = { all: 2_400, min: 40, max: 190 } as const
const tickBins = { all: 3_200, min: 90, max: 380 } as const
const latencyBinsMax = 120
const backlogPointsMax = 1_000
/** Fewer messages have no percentiles worth the name. */
const messagesOfLatencyBin = 50

/** Takes about as long as reading the ledgers twice. */
export function pictureDataOf(source: PictureSource): PictureData {
  const { plan, run, zeroNs, evidence } = source
  const { history, views } = viewOf(source)
  const baseMs = Number(history.baseNs - zeroNs) / 1e6
  const groups = views.flatMap((view) => view.histories)
  const { fromMs, lastMs } = reachOf(history, groups, baseMs)
  const bands = bandsOf(history, baseMs, lastMs)
  const toMs = Math.max(lastMs, ...bands.map((band) => band.toMs))
  const rates = timeBins(fromMs, toMs, rateBins.countMax, rateBins.binMsMin)
  const ticks = timeBins(fromMs, toMs, shareOf(tickBins, history.ledgers.length), 1)
  const sidecars = evidence.ledgers.map(({ sidecar }) => sidecar)
  const ticksOf = evidence.ledgers.map((ledger) => laneTicks(ledger, ticks, zeroNs))
  const isBroadcast = run.terms.pattern === 'broadcast'
  const scale = { rates, baseMs, fromMs, toMs, zeroNs, isBroadcast, groups: views.length }
  const measured = afterWarmUp(history)
  return {
    ...{ fromMs, toMs },
    bands,
    rates: { bins: rates, published: countsIn(rates, baseMs, history.okNs) },
    groups: views.map((view) => groupPicture(view, history, evidence.depth, scale)),
    lanes: { bins: ticks, all: lanesOf(sidecars, history.events, ticksOf, baseMs, toMs) },
    tails: {
      response: tailOf(history.intendedNs, history.okNs, measured),
      service: tailOf(history.sentNs, history.okNs, measured),
    },
    messages: worstMessages(
      history,
      groups,
      views.map(({ fateOf }) => fateOf),
      { evidence, zeroNs, run: plan.run.name, isBroadcast },
    ),
  }
}

interface Scale {
  readonly rates: TimeBins
  readonly baseMs: number
  readonly fromMs: number
  readonly toMs: number
  readonly zeroNs: bigint
  readonly isBroadcast: boolean
  /** How many there are. */
  readonly groups: number
}

function shareOf({ all, min, max }: typeof fateBins | typeof tickBins, among: number): number {
  return Math.min(max, Math.max(min, Math.floor(all / Math.max(1, among))))
}

function producersOf({ origins }: History): number {
  return new Set(origins.map(({ producer }) => producer)).size
}

function groupPicture(
  { group, histories, fateOf }: GroupView,
  history: History,
  depth: readonly DepthSample[],
  { rates, baseMs, fromMs, toMs, zeroNs, groups, isBroadcast }: Scale,
): GroupPicture {
  const sentToMs = Math.max(fromMs, baseMs + lastNs(history.sentNs) / 1e6)
  const columns = shareOf(fateBins, producersOf(history) * groups)
  const fateColumns = timeBins(fromMs, sentToMs, columns, 1)
  const latencyBins = timeBins(
    fromMs,
    sentToMs,
    Math.min(latencyBinsMax, Math.max(4, history.messages / messagesOfLatencyBin)),
    1,
  )
  const done = new Uint32Array(rates.count)
  for (const { firstDoneNs } of histories) {
    for (const [bin, count] of countsIn(rates, baseMs, firstDoneNs).entries()) {
      done[bin] = (done[bin] as number) + count
    }
  }
  return {
    ...{ group, done, isBroadcast },
    // Each subscriber of a broadcast is handed everything.
    evenness: isBroadcast ? [] : histories.flatMap((one) => evennessOf(history, one)),
    backlog: thinned(
      depth.flatMap((sample) => {
        const messages = backlogIn(sample)
        if (sample.group !== group || messages === null) return []
        const ms = Number(sample.timeNs - zeroNs) / 1e6
        return ms < fromMs || ms > toMs ? [] : [{ ms, messages }]
      }),
    ),
    fates: fateStrip(history, fateOf, fateColumns, baseMs),
    endToEnd: {
      bins: latencyBins,
      line: latencyLine(
        latencyBins,
        baseMs,
        history.intendedNs,
        histories.map(({ firstReceivedNs }) => firstReceivedNs),
      ),
    },
  }
}

/** Of each stretch the highest. */
function thinned<T extends { readonly messages: number }>(points: readonly T[]): T[] {
  const stretch = Math.ceil(points.length / backlogPointsMax)
  const kept: T[] = []
  for (let at = 0; at < points.length; at += stretch) {
    const some = points.slice(at, at + stretch)
    kept.push(some.reduce((most, one) => (one.messages > most.messages ? one : most)))
  }
  return kept
}

/** From the first message sent to the last of which anything was told. */
function reachOf(history: History, groups: readonly GroupHistory[], baseMs: number) {
  let first = Number.POSITIVE_INFINITY
  for (const ns of history.sentNs) if (ns < first) first = ns
  const ends = [history.sentNs, history.okNs]
  for (const { firstDoneNs, firstReceivedNs } of groups) ends.push(firstDoneNs, firstReceivedNs)
  const fromMs = Number.isFinite(first) ? Math.min(0, baseMs + first / 1e6) : 0
  return { fromMs, lastMs: Math.max(fromMs + 1, baseMs + Math.max(...ends.map(lastNs)) / 1e6) }
}

function bandsOf(history: History, baseMs: number, toMs: number): Band[] {
  return faultWindows(history.events, (toMs - baseMs) * 1e6).map(({ fault, actor, ...window }) => ({
    what: actor === null ? fault.replace('-', ' ') : `${fault} ${actor.role} ${actor.actor}`,
    fromMs: baseMs + window.fromNs / 1e6,
    toMs: baseMs + window.toNs / 1e6,
  }))
}
