import { numbers, type Table } from '../page/table.ts'
import type { Drawing } from './drawing.ts'
import { markup } from './markup.ts'
import { counted, shownNumber, shownSeconds } from './numbers.ts'
import type { GroupPicture, PictureData } from './pictureData.ts'
import {
  type EndLabel,
  endLabels,
  faultBands,
  linearScale,
  type Point,
  pathOf,
  right,
  timeAxis,
  xOf,
} from './scales.ts'
import { rowsOf, sumOf } from './tableRows.ts'
import type { TimeBins } from './timeBins.ts'

const top = 34
const middle = 214
const backlogTop = 256
const backlogBottom = 376

/** Rate in, rate out, and below them the backlog, with the faults behind. */
export function ratesFigure(data: PictureData, { group, done, backlog }: GroupPicture): Drawing {
  const { rates, bands } = data
  const x = xOf(data)
  const perSecond = 1_000 / rates.bins.binMs
  const most = Math.max(1, ...rates.published, ...done) * perSecond
  const { yOf, axis } = linearScale(most, top, middle)
  // A piece that the run did not fill has no rate.
  const whole = Math.max(1, Math.floor((data.toMs - rates.bins.fromMs) / rates.bins.binMs))
  const line = (counts: Uint32Array) =>
    steps(counts.subarray(0, whole), rates.bins, (value) => yOf(value * perSecond), x)
  const [published, out] = [line(rates.published), line(done)]
  const hasBacklog = backlog.length > 0
  const bottom = hasBacklog ? backlogBottom : middle
  const label = (points: readonly Point[], text: string, colour: string): EndLabel => {
    return { y: points.at(-1)?.y ?? middle, text, colour }
  }
  const peak = Math.max(0, ...backlog.map(({ messages }) => messages))
  return {
    name: group === null ? 'rates' : `rates-${group}`,
    title: 'Rate in, rate out, backlog',
    summary: `Messages a second by time. At most ${shownNumber(Math.max(...rates.published) * perSecond)} in and ${shownNumber(Math.max(...done) * perSecond)} out${hasBacklog ? `, and at most ${counted(peak, 'message')} in the broker` : ''}. ${faultsText(bands)}.`,
    height: bottom + 28,
    table: ratesTable(data, done, backlog),
    body: markup`${faultBands(bands, data, top, middle)}<text class="f-muted small" x="0" y="14">messages a second</text>${axis}<path class="s-in line solid" d="${pathOf(published)}"/><path class="s-out line dashed" d="${pathOf(out)}"/>${endLabels([label(published, 'in (accepted)', 'in'), label(out, 'out (done)', 'out')], middle)}${hasBacklog ? backlogPart(data, backlog, peak) : null}${timeAxis(data, bottom)}`,
  }
}

const namedMax = 3

/** `F1 stop worker 0`; how many, where they are too many for a line. */
function faultsText(bands: PictureData['bands']): string {
  if (bands.length === 0 || bands.length > namedMax) return counted(bands.length, 'fault')
  return bands.map(({ what }, at) => `F${at + 1} ${what}`).join(', ')
}

function ratesTable(
  { rates: { bins, published } }: PictureData,
  done: Uint32Array,
  backlog: GroupPicture['backlog'],
): Table {
  const hasBacklog = backlog.length > 0
  return {
    caption: 'Messages a second, and in the broker at the end',
    columns: ['From', ...numbers('in', 'out', ...(hasBacklog ? ['backlog'] : []))],
    rows: rowsOf(bins, ({ from, to, fromMs, toMs }) => {
      const perSecond = 1_000 / (toMs - fromMs)
      const inside = backlog.findLast(({ ms }) => ms >= fromMs && ms < toMs)
      return [
        shownSeconds(fromMs),
        ...numbers(
          ...[published, done].map((counts) => shownNumber(sumOf(counts, from, to) * perSecond)),
          ...(hasBacklog ? [inside ? shownNumber(inside.messages) : ''] : []),
        ),
      ]
    }),
  }
}

function backlogPart(data: PictureData, backlog: GroupPicture['backlog'], peak: number) {
  const x = xOf(data)
  const { yOf, axis } = linearScale(peak, backlogTop, backlogBottom)
  const points = backlog.map(({ ms, messages }) => ({ x: x(ms), y: yOf(messages) }))
  return markup`${faultBands(data.bands, data, backlogTop, backlogBottom, false)}<text class="f-muted small" x="0" y="${backlogTop - 16}">messages in the broker</text>${axis}<path class="s-backlog line dotted" d="${pathOf(points)}"/>${endLabels([{ y: points.at(-1)?.y ?? backlogBottom, text: 'backlog', colour: 'backlog' }], backlogBottom)}`
}

/** A rate holds for its whole piece of time. */
function steps(
  counts: Uint32Array,
  { fromMs, binMs }: TimeBins,
  yOf: (count: number) => number,
  x: (ms: number) => number,
): Point[] {
  const points = Array.from(counts, (count, bin): Point[] => {
    const from = fromMs + bin * binMs
    const y = yOf(count)
    return [
      { x: x(from), y },
      { x: Math.min(right, x(from + binMs)), y },
    ]
  })
  return points.flat()
}
