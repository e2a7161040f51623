import { numbers, type Table } from '../page/table.ts'
import type { Drawing } from './drawing.ts'
import type { LatencyBin } from './latencyLines.ts'
import { markup } from './markup.ts'
import { shownMs, shownNumber, shownSeconds } from './numbers.ts'
import type { GroupPicture, PictureData } from './pictureData.ts'
import {
  at,
  type EndLabel,
  endLabels,
  faultBands,
  logScale,
  type Point,
  pathOf,
  timeAxis,
  xOf,
} from './scales.ts'
import { rowsOf } from './tableRows.ts'

const top = 40
const bottom = 280

const lines = [
  ['max', 'max', 'fault', 'dotted'],
  ['p99', 'p99', 'out', 'dashed'],
  ['p50', 'p50', 'in', 'solid'],
] as const satisfies readonly (readonly [keyof LatencyBin, string, string, string])[]

/** How long it took from when a message was to be sent until a handler had it, by that time. */
export function latencyFigure(data: PictureData, { group, endToEnd }: GroupPicture): Drawing {
  const { bins, line } = endToEnd
  const extent = { fromMs: bins.fromMs, toMs: bins.fromMs + bins.count * bins.binMs }
  const x = xOf(extent)
  const center = (bin: number) => x(bins.fromMs + (bin + 0.5) * bins.binMs)
  const known = line.flatMap(({ p50, p99, max }) => [p50, p99, max]).filter((ms) => ms !== null)
  const [least, most] = [Math.min(...known), Math.max(...known)]
  const { yOf, axis } = logScale(
    known.length > 0 ? least : 1,
    known.length > 0 ? most : 1,
    top,
    bottom,
  )
  const drawn = lines.map(([of, text, colour, dash]) => {
    const points = line.map((one, bin) => {
      const ms = one[of]
      return ms === null ? null : { x: center(bin), y: yOf(ms) }
    })
    return {
      points,
      label: labelOf(points, text, colour),
      colour,
      dash,
    }
  })
  const never = line.reduce((sum, { unanswered }) => sum + unanswered, 0)
  const marks = line.flatMap(({ unanswered }, bin) =>
    unanswered === 0 ? [] : [`M${at(center(bin) - 4)} ${top + 9}h8l-4 -7z`],
  )
  return {
    name: group === null ? 'latency' : `latency-${group}`,
    title: 'End to end by time',
    summary:
      known.length === 0
        ? 'Nothing was delivered.'
        : `From ${shownMs(least)} to ${shownMs(most)}; ${never === 0 ? 'everything was delivered' : `${shownNumber(never)} never`}.`,
    height: bottom + 28,
    table: latencyRows(endToEnd),
    body: markup`${faultBands(
      data.bands.filter(({ fromMs }) => fromMs <= extent.toMs),
      extent,
      top,
      bottom,
    )}<text class="f-muted small" x="0" y="14">logarithmic</text>${never === 0 ? null : markup`<path class="f-lost" d="${marks.join('')}"/><text class="f-lost small" x="880" y="14" text-anchor="end">▲ ${shownNumber(never)} never delivered</text>`}${axis}${drawn.map(({ points, colour, dash }) => markup`<path class="s-${colour} line ${dash}" d="${pathOf(points)}"/>`)}${endLabels(
      drawn.map(({ label }) => label),
      bottom,
    )}${timeAxis(extent, bottom)}`,
  }
}

/** Where more messages were never delivered than it leaves out, a percentile is longer than the run. */
function labelOf(points: readonly (Point | null)[], text: string, colour: string): EndLabel {
  const last = points.findLast((one) => one !== null)
  return last ? { y: last.y, text, colour } : { y: top, text: `${text}: > run`, colour }
}

/** Of several pieces together the highest of each. */
function latencyRows({ bins, line }: GroupPicture['endToEnd']): Table {
  return {
    caption: 'End to end by time: the highest of each stretch',
    columns: ['From', ...numbers('p50', 'p99', 'max', 'never')],
    rows: rowsOf(bins, ({ from, to, fromMs }) => {
      const some = line.slice(from, to)
      const highest = (of: 'p50' | 'p99' | 'max') => {
        const known = some.map((one) => one[of]).filter((ms) => ms !== null)
        return known.length === 0 ? '' : shownMs(Math.max(...known))
      }
      const never = some.reduce((sum, { unanswered }) => sum + unanswered, 0)
      const all = [highest('p50'), highest('p99'), highest('max'), String(never)]
      return [shownSeconds(fromMs), ...numbers(...all)]
    }),
  }
}
