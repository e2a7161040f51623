import type { Table } from '../page/table.ts'
import { Markup, markup } from './markup.ts'
import { colourIn, definitions, figureStyle, type Theme } from './palette.ts'

/** A figure, apart from its colours. */
export interface Drawing {
  /** Unique on a page: `fates`, `fates-billing` */
  readonly name: string
  readonly title: string
  /** What it shows, in a sentence or two, for who does not see it. */
  readonly summary: string
  readonly height: number
  readonly body: Markup
  /** The same in numbers. */
  readonly table: Table
}

/** Of all figures, so that they stand in line. */
export const width = 880

/** Part of a page that has `definitions` and `figureStyle` already. */
export function inlineSvg({ title, summary, height, body }: Drawing): Markup {
  return markup`<svg class="figure" viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}: ${summary}">${body}</svg>`
}

/** A file of its own. */
export function standaloneSvg(drawing: Drawing, theme: Theme): string {
  const { title, summary, height, body } = drawing
  const style = new Markup(figureStyle(colourIn(theme)))
  return markup`<svg xmlns="http://www.w3.org/2000/svg" class="figure" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img"><title>${title}</title><desc>${summary}</desc><style>${style}</style>${definitions}<rect class="f-ground" width="${width}" height="${height}"/>${body}</svg>`
    .text
}
