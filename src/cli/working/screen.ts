import type { Depth } from '../../core/driver.ts'
import { shortId } from '../messages/view.ts'
import { countJson, showCount, showDuration, showElapsed, showRate } from '../output/quantities.ts'
import type { Look } from '../output/style.ts'
import { type Column, tableLines } from '../output/table.ts'
import { percentile, type Tally, type WorkerTally } from './tally.ts'

const historyMax = 10

/** What the broker says, and the rates that follow from it. */
export class History {
  depth: Depth | null = null
  readonly in: number[] = []
  readonly out: number[] = []
  #before: Depth | null = null

  /** Called once a second. */
  measure(depth: Depth, passedMs: number): void {
    const before = this.#before
    this.#before = depth
    if (!before) return
    push(this.in, before.in, depth.in, passedMs)
    push(this.out, before.out, depth.out, passedMs)
  }
}

function push(history: number[], before: Depth['in'], after: Depth['in'], passedMs: number): void {
  if (typeof before !== 'number' || typeof after !== 'number') return
  history.push(Math.max(0, ((after - before) / passedMs) * 1_000))
  history.splice(0, history.length - historyMax)
}

export interface ScreenFacts {
  readonly channel: string
  readonly pattern: string
  readonly url: string
  readonly upMs: number
  readonly tally: Tally
  readonly history: History
  readonly look: Look
}

/** The live view of `work`. */
export function workFrame(facts: ScreenFacts, columns: number): string[] {
  const { channel, pattern, url, upMs, tally, history, look } = facts
  const left = `${look.paint('bold', channel)}  ${pattern}  ${url}`
  const plain = `${channel}  ${pattern}  ${url}`
  const up = `up ${showElapsed(upMs)}`
  const gap = Math.max(2, columns - 1 - plain.length - up.length)
  const times = tally.times
  const p = (share: number) => showDuration(percentile(times, share))
  const table = tableLines(workerColumns, [...tally.workers.values()], {
    width: columns - 1,
    wide: false,
    paint: look.paint,
    ellipsis: look.ellipsis,
  })
  return [
    `${left}${' '.repeat(gap)}${up}`,
    counts(facts),
    `in  ${rateOf(history.in, look)}   out ${rateOf(history.out, look)}   p50 ${p(0.5)}  p95 ${p(0.95)}  p99 ${p(0.99)}`,
    ...table,
    look.paint('dim', 's plain output   p pause   q stop'),
  ]
}

function rateOf(values: readonly number[], look: Look): string {
  return values.length === 0 ? '-' : `${look.spark(values)}  ${showRate(values.at(-1) as number)}`
}

/** One line of totals; also the heartbeat of plain output. */
export function counts({
  tally,
  history: { depth },
}: Pick<ScreenFacts, 'tally' | 'history'>): string {
  const of = (name: 'acked' | 'retried' | 'dead' | 'late') =>
    showCount(tally.sum((one) => one[name]))
  const waiting = depth?.waiting ?? 'unknown'
  const inFlight = depth?.inFlight ?? tally.inHand
  const oldest = depth && waiting !== 0 ? showDuration(depth.oldestMs) : '-'
  return `waiting ${showCount(waiting)}  in flight ${showCount(inFlight)}  acked ${of('acked')}  retried ${of('retried')}  dead ${of('dead')}  late ${of('late')}  oldest ${oldest}`
}

const workerColumns: readonly Column<WorkerTally>[] = [
  { name: 'worker', value: ({ info }) => info.name },
  { name: 'pid', value: ({ info }) => info.pid, align: 'left', goes: 2 },
  { name: 'state', value: ({ state }) => state },
  { name: 'acked', value: ({ acked }) => acked, text: ({ acked }) => showCount(acked) },
  { name: 'rate', align: 'right', value: ({ rate }) => rate, text: ({ rate }) => showRate(rate) },
  {
    name: 'p95',
    align: 'right',
    value: ({ tookMs }) => percentile(sorted(tookMs), 0.95),
    text: ({ tookMs }) => showDuration(percentile(sorted(tookMs), 0.95)),
    goes: 1,
  },
  { name: 'now', align: 'left', value: ({ now }) => now.length, text: nowOf, widthMin: 8, goes: 3 },
]

function sorted(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b)
}

function nowOf({ now }: WorkerTally): string {
  const [first] = now
  if (!first) return ''
  const more = now.length > 1 ? `, +${now.length - 1}` : ''
  return `${shortId(first.id)} for ${showDuration(first.forMs)}${more}`
}

/** The totals in JSON. */
export function tallyJson(
  tally: Tally,
  { depth }: History,
): Record<string, number | boolean | null> {
  return {
    acked: tally.sum((one) => one.acked),
    retried: tally.sum((one) => one.retried),
    dead: tally.sum((one) => one.dead),
    late: tally.sum((one) => one.late),
    missed: tally.missed,
    missed_unknown: tally.isMissedUnknown,
    waiting: depth ? countJson(depth.waiting) : null,
    scheduled: depth ? countJson(depth.scheduled) : null,
  }
}
