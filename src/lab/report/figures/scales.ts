import { width } from './drawing.ts'
import { type Markup, markup } from './markup.ts'
import { shownMs, shownNumber } from './numbers.ts'
import type { Band } from './pictureData.ts'
import { roundStep } from './timeBins.ts'

/** Where the data of a figure lies; left of it stand values, right of it the names of lines. */
export const left = 88
export const right = width - 128

export interface Extent {
  readonly fromMs: number
  readonly toMs: number
}

/** A length in the figure, as short as its text may be. */
export function at(pixels: number): string {
  return String(Math.round(pixels * 10) / 10)
}

export function xOf({ fromMs, toMs }: Extent): (ms: number) => number {
  return (ms) =>
    left + ((Math.min(toMs, Math.max(fromMs, ms)) - fromMs) / (toMs - fromMs)) * (right - left)
}

const timeSteps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600]

/** Seconds since the load began, below `bottom`. */
export function timeAxis(extent: Extent, bottom: number): Markup {
  const { fromMs, toMs } = extent
  const x = xOf(extent)
  const leastS = (toMs - fromMs) / 1_000 / 9
  const stepS =
    leastS <= 0.5
      ? roundStep(leastS)
      : (timeSteps.find((step) => step >= leastS) ?? roundStep(leastS))
  const first = Math.ceil(fromMs / 1_000 / stepS)
  const last = Math.floor(toMs / 1_000 / stepS)
  const steps = Array.from({ length: last - first + 1 }, (_, step) => (first + step) * stepS)
  return markup`<path class="s-muted hair" d="M${left} ${bottom}H${right}"/>${steps.map((s) => {
    const text = `${s.toLocaleString('en', { maximumFractionDigits: 6 })} s`
    return markup`<path class="s-muted hair" d="M${at(x(s * 1_000))} ${bottom}v4"/><text class="f-muted small middle" x="${at(x(s * 1_000))}" y="${bottom + 17}">${text}</text>`
  })}`
}

export interface ValueScale {
  readonly yOf: (value: number) => number
  readonly axis: Markup
}

/** From 0 to a round number that is not below `most`. */
export function linearScale(most: number, top: number, bottom: number): ValueScale {
  const step = roundStep(Math.max(1, most / 4))
  const count = Math.max(1, Math.ceil(most / step - 1e-9))
  const yOf = (value: number) => bottom - (value / (count * step)) * (bottom - top)
  const values = Array.from({ length: count + 1 }, (_, n) => n * step)
  return { yOf, axis: markup`${values.map((value) => gridLine(yOf(value), shownNumber(value)))}` }
}

/** Decades of ms that hold both; a time of 0 lies at the bottom. */
export function logScale(leastMs: number, mostMs: number, top: number, bottom: number): ValueScale {
  const low = Math.floor(Math.log10(Math.max(leastMs, 0.001)) + 1e-9)
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(mostMs, 0.001)) - 1e-9))
  const yOf = (ms: number) =>
    bottom - ((Math.log10(Math.max(ms, 10 ** low)) - low) / (high - low)) * (bottom - top)
  const decades = Array.from({ length: high - low + 1 }, (_, n) => 10 ** (low + n))
  return { yOf, axis: markup`${decades.map((ms) => gridLine(yOf(ms), shownMs(ms)))}` }
}

function gridLine(y: number, text: string): Markup {
  return markup`<path class="s-rule hair" d="M${left} ${at(y)}H${right}"/><text class="f-muted small end" x="${left - 8}" y="${at(y + 4)}">${text}</text>`
}

/** The faults, behind everything else. Those that do not touch the one before have a line and, above it, a number. */
export function faultBands(
  bands: readonly Band[],
  extent: Extent,
  top: number,
  bottom: number,
  areNumbered = true,
): Markup {
  const x = xOf(extent)
  let freeFrom = Number.NEGATIVE_INFINITY
  return markup`${bands.map(({ what, fromMs, toMs }, index) => {
    const from = x(fromMs)
    const isFree = from >= freeFrom
    if (isFree) freeFrom = from + 30
    const number = markup`<text class="f-fault small strong" x="${at(from + 1)}" y="${top - 4}">F${index + 1}</text>`
    return markup`<rect class="f-band" x="${at(from)}" y="${top}" width="${at(Math.max(2, x(toMs) - from))}" height="${bottom - top}"><title>F${index + 1} ${what}</title></rect>${isFree ? markup`<path class="s-fault hair dashed" d="M${at(from)} ${top}V${bottom}"/>${areNumbered ? number : null}` : null}`
  })}`
}

export interface EndLabel {
  readonly y: number
  readonly text: string
  readonly colour: string
}

const labelHeight = 16

/** Names of lines at their right ends, none below `bottom`, moved apart where they would touch. */
export function endLabels(labels: readonly EndLabel[], bottom: number): Markup {
  let freeFrom = Number.NEGATIVE_INFINITY
  const placed = labels
    .toSorted((a, b) => a.y - b.y)
    .map((label, index) => {
      const below = labels.length - 1 - index
      const y = Math.min(Math.max(label.y, freeFrom), bottom - below * labelHeight)
      freeFrom = y + labelHeight
      return { ...label, y }
    })
  return markup`${placed.map(
    ({ y, text, colour }) =>
      markup`<text class="f-${colour} strong" x="${right + 8}" y="${at(y + 4)}">${text}</text>`,
  )}`
}

export interface Point {
  readonly x: number
  readonly y: number
}

/** A line through the points, broken where there is none. */
export function pathOf(points: readonly (Point | null)[]): string {
  let path = ''
  points.forEach((point, index) => {
    if (point) path += `${points[index - 1] ? 'L' : 'M'}${at(point.x)} ${at(point.y)}`
  })
  // A single point has no length, and a round end shows it.
  return path.replaceAll(/M([^ML]+)(?=M|$)/g, 'M$1h.1')
}
