import type { Fate } from './fates.ts'
import { Markup, markup } from './markup.ts'

export type Theme = 'light' | 'dark'

/** Colours of pages and figures, for light and dark. Text keeps 4.5:1 to its ground, marks keep 3:1. */
export const colours = {
  ground: ['#ffffff', '#14171c'],
  card: ['#f5f6f8', '#1c2027'],
  ink: ['#1b1e23', '#e9ebee'],
  muted: ['#565d68', '#a9b1bd'],
  /** Of lines that only lead the eye. */
  rule: ['#d3d7dd', '#39404a'],
  link: ['#0b5cad', '#7db8f5'],
  in: ['#0b5cad', '#6fb1f2'],
  out: ['#9a4d00', '#eaa25c'],
  backlog: ['#6b4aa5', '#b79cea'],
  fault: ['#b3261e', '#ff8a80'],
  /** A ground: what stands on it keeps its contrast. */
  band: ['#fbe3e1', '#3d2426'],
  kept: ['#1a7338', '#63c987'],
  broken: ['#b3261e', '#ff8a80'],
  inconclusive: ['#85560b', '#e6b04c'],
  ok: ['#4b86b0', '#4f8fbd'],
  recovered: ['#1a7338', '#63c987'],
  reprocessed: ['#8f5a00', '#e6b04c'],
  dead: ['#6b4aa5', '#b79cea'],
  stuck: ['#a03d77', '#ec8fc4'],
  lost: ['#b3261e', '#ff6f64'],
  phantom: ['#1b1e23', '#e9ebee'],
  unaccepted: ['#6f7681', '#949ca8'],
} as const satisfies Record<string, readonly [string, string]>
export type Colour = keyof typeof colours

const dashes = { solid: '', dashed: '7 4', dotted: '1.5 3.5' } as const
export type Dash = keyof typeof dashes

/** How each fate is written. No two have the same icon, nor the same pattern. */
const fateWords: Readonly<Record<Fate, { readonly icon: string; readonly word: string }>> = {
  lost: { icon: '✗', word: 'lost' },
  phantom: { icon: '!', word: 'refused, yet delivered' },
  stuck: { icon: '…', word: 'stuck' },
  reprocessed: { icon: '↻', word: 'reprocessed' },
  dead: { icon: '†', word: 'dead' },
  recovered: { icon: '↺', word: 'recovered' },
  unaccepted: { icon: '–', word: 'not accepted' },
  ok: { icon: '✓', word: 'ok' },
}

/** Nobody processes a broadcast for all: each subscriber hears it for itself. */
const broadcastWords: Partial<typeof fateWords> = {
  lost: { icon: '✗', word: 'missed' },
  reprocessed: { icon: '↻', word: 'heard again' },
}

export function fateWord(fate: Fate, isBroadcast: boolean): { icon: string; word: string } {
  return (isBroadcast ? broadcastWords[fate] : null) ?? fateWords[fate]
}

/** What is drawn on the colour of a fate, on a tile of 6 by 6. */
const patterns: Readonly<Record<Fate, string>> = {
  lost: 'M0 0L6 6M6 0L0 6',
  phantom: 'M3 0V6M0 3H6',
  stuck: 'M0 1.5H3M3 4.5H6',
  reprocessed: 'M-1.5 1.5L1.5 -1.5M0 6L6 0M4.5 7.5L7.5 4.5',
  dead: 'M1.5 0V6M4.5 0V6',
  recovered: 'M0 1.5H6M0 4.5H6',
  unaccepted: 'M1.5 1.5h1M4.5 4.5h1',
  ok: '',
}

export function fillOf(fate: Fate): string {
  return `url(#fate-${fate})`
}

/** What figures refer to; once on a page. */
export const definitions: Markup = markup`<defs>${Object.entries(patterns).map(
  ([fate, path]) =>
    markup`<pattern id="fate-${fate}" width="6" height="6" patternUnits="userSpaceOnUse"><rect class="f-${fate}" width="6" height="6"/>${path === '' ? null : markup`<path class="pattern" d="${path}"/>`}</pattern>`,
)}</defs>`

/** The style sheet of all figures. `cssOf`: a colour as CSS writes it. */
export function figureStyle(cssOf: (colour: Colour) => string): string {
  const names = Object.keys(colours) as Colour[]
  return [
    ...names.map((name) => `.f-${name}{fill:${cssOf(name)}}`),
    ...names.map((name) => `.s-${name}{stroke:${cssOf(name)};fill:none}`),
    ...Object.entries(dashes).map(([name, dash]) => `.${name}{stroke-dasharray:${dash || 'none'}}`),
    `.s-lane{stroke:${cssOf('muted')}}`,
    `.f-stop{fill:${cssOf('inconclusive')}}`,
    `.f-cut{fill:${cssOf('rule')}}`,
    `.line{stroke-width:2;stroke-linejoin:round}`,
    `.hair{stroke-width:1}`,
    `.pattern{stroke:${cssOf('ground')};stroke-width:1.2;fill:none}`,
    `.figure text{font:13px system-ui,"Segoe UI","DejaVu Sans",sans-serif}`,
    `.figure .small{font-size:11.5px}`,
    `.figure .strong{font-weight:600}`,
    `.end{text-anchor:end}`,
    `.middle{text-anchor:middle}`,
  ].join('')
}

export function colourIn(theme: Theme): (colour: Colour) => string {
  return (name) => colours[name][theme === 'light' ? 0 : 1]
}

/** As CSS knows them that follows the theme of the page. */
export const themedColours: Markup = new Markup(
  Object.entries(colours)
    .map(([name, [light, dark]]) => `--${name}:light-dark(${light},${dark})`)
    .join(';'),
)
