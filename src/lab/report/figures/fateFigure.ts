import { numbers, type Table } from '../page/table.ts'
import { type Drawing, width } from './drawing.ts'
import { type Fate, type FateRow, fates } from './fates.ts'
import { type Markup, markup } from './markup.ts'
import { shownNumber } from './numbers.ts'
import { fateWord, fillOf } from './palette.ts'
import type { GroupPicture, PictureData } from './pictureData.ts'
import { at, faultBands, left, timeAxis, xOf } from './scales.ts'
import { sumOf } from './tableRows.ts'
import type { TimeBins } from './timeBins.ts'

const rowGap = 14
/** However few they are, they are seen; all of them together leave something for what went well. */
const markHeightMax = 7
const markShareMax = 1 / 7
/** From this height on each message is a box of its own. */
const boxHeightMin = 5

/** Every message by the time it was published and by its producer: what became of it. */
export function fateFigure(
  data: PictureData,
  { group, isBroadcast, fates: strip }: GroupPicture,
): Drawing {
  const { bins, rows, totals } = strip
  const extent = { fromMs: bins.fromMs, toMs: bins.fromMs + bins.count * bins.binMs }
  const legend = legendOf(totals, isBroadcast)
  const top = legend.height + 30
  const rowHeight = Math.max(36, Math.min(84, 330 / rows.length))
  const named = rows.filter(({ producer }) => producer !== null)
  const most = Math.max(1, ...named.map((row) => mostOf(row, bins)))
  const bottom = top + rows.length * (rowHeight + rowGap)
  const bands = data.bands.filter(({ fromMs }) => fromMs <= extent.toMs)
  const seen = fates.filter((fate) => totals[fate] > 0)
  return {
    name: group === null ? 'fates' : `fates-${group}`,
    title: 'What became of every message',
    summary:
      seen.length === 0
        ? 'Nothing was published.'
        : `By the time of publishing and by producer: ${seen.map((fate) => `${fateWord(fate, isBroadcast).word} ${shownNumber(totals[fate])}`).join(', ')}.`,
    height: bottom + 24,
    table: fateTable(strip, isBroadcast),
    body: markup`${legend.drawn}${faultBands(bands, extent, top, bottom)}${rows.map(
      (row, index) => {
        const base = top + (index + 1) * (rowHeight + rowGap) - 2
        // Several together are measured by themselves, or they would dwarf each that stands alone.
        const own = row.producer === null ? mostOf(row, bins) : most
        return rowOf(row, bins, { base, height: rowHeight, most: own, x: xOf(extent) })
      },
    )}${timeAxis(extent, bottom)}`,
  }
}

function fateTable({ rows, totals }: GroupPicture['fates'], isBroadcast: boolean): Table {
  const seen = fates.filter((fate) => totals[fate] > 0)
  return {
    caption: 'Messages by producer',
    columns: [
      '',
      ...numbers(...seen.map((fate) => Object.values(fateWord(fate, isBroadcast)).join(' '))),
    ],
    rows: rows.map(({ producer, counts }) => [
      nameOf(producer),
      ...numbers(
        ...seen.map((fate) => {
          const own = counts[fates.indexOf(fate)] as Uint32Array
          return shownNumber(sumOf(own, 0, own.length))
        }),
      ),
    ]),
  }
}

function nameOf(producer: number | null): string {
  return producer === null ? 'others' : `producer ${producer}`
}

function mostOf({ counts }: FateRow, bins: TimeBins): number {
  let most = 0
  for (let bin = 0; bin < bins.count; bin++) {
    most = Math.max(
      most,
      counts.reduce((sum, one) => sum + (one[bin] as number), 0),
    )
  }
  return most
}

interface RowPlace {
  readonly base: number
  readonly height: number
  readonly most: number
  readonly x: (ms: number) => number
}

function rowOf({ producer, counts }: FateRow, bins: TimeBins, place: RowPlace): Markup {
  const { base, height, most, x } = place
  const boxHeight = height / most
  const columns = Array.from({ length: bins.count }, (_, bin) => {
    const from = x(bins.fromMs + bin * bins.binMs)
    const to = x(bins.fromMs + (bin + 1) * bins.binMs)
    return column(counts, bin, { from, wide: Math.max(1, to - from - 0.5) }, place)
  })
  const paths = Array.from(fates.keys(), (index) => columns.map((one) => one[index]).join(''))
  const lines = boxHeight >= boxHeightMin ? boxLines(most, place) : null
  return markup`<text class="f-muted small end" x="${left - 8}" y="${at(base - height / 2)}">${nameOf(producer)}</text>${fates.map((fate, index) => (paths[index] === '' ? null : markup`<path fill="${fillOf(fate)}" d="${paths[index] as string}"/>`)).filter((one) => one !== null)}${lines}<path class="s-rule hair" d="M${left} ${at(base + 0.5)}H${at(x(bins.fromMs + bins.count * bins.binMs))}"/>`
}

/** Between boxes of one message each. */
function boxLines(most: number, { base, height, x }: RowPlace): Markup {
  const to = at(x(Number.POSITIVE_INFINITY))
  const path = Array.from(
    { length: most - 1 },
    (_, n) => `M${left} ${at(base - ((n + 1) * height) / most)}H${to}`,
  )
  return markup`<path class="pattern" d="${path.join('')}"/>`
}

/** The worst at the bottom, on the line, where the eye compares. */
function column(
  counts: readonly Uint32Array[],
  bin: number,
  { from, wide }: { readonly from: number; readonly wide: number },
  { base, height, most }: RowPlace,
): string[] {
  const own = counts.map((one) => one[bin] as number)
  const isWell = (index: number) => fates[index] === 'ok'
  const marks = own.map((count, index) => {
    if (count === 0) return 0
    const tall = (count * height) / most
    return isWell(index) ? tall : Math.max(Math.min(markHeightMax, height * markShareMax), tall)
  })
  const whole = own.reduce((sum, count) => sum + count, 0)
  const over = marks.reduce((sum, one) => sum + one, 0) - Math.max((whole * height) / most, 0)
  let y = base
  return marks.map((tall, index) => {
    // What was made tall enough to be seen is taken from what went well.
    const shown = isWell(index) ? Math.max(0, tall - Math.max(0, over)) : tall
    y -= shown
    return shown === 0 ? '' : `M${at(from)} ${at(y)}h${at(wide)}v${at(shown)}h${at(-wide)}z`
  })
}

interface Legend {
  readonly drawn: Markup
  readonly height: number
}

/** Names of those that there are, over as many lines as it takes. */
function legendOf(totals: Readonly<Record<Fate, number>>, isBroadcast: boolean): Legend {
  let [x, line] = [left, 0]
  const entries = fates.flatMap((fate) => {
    if (totals[fate] === 0) return []
    const { icon, word } = fateWord(fate, isBroadcast)
    const text = `${icon} ${word} ${shownNumber(totals[fate])}`
    const wide = 40 + text.length * 7.6
    if (x + wide > width) [x, line] = [left, line + 1]
    const entry = markup`<rect fill="${fillOf(fate)}" x="${at(x)}" y="${line * 22 + 4}" width="18" height="14"/><text class="f-ink" x="${at(x + 24)}" y="${line * 22 + 16}">${text}</text>`
    x += wide
    return [entry]
  })
  return { drawn: markup`${entries}`, height: (line + 1) * 22 }
}
