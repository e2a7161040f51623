import type { Drawing } from './drawing.ts'
import { standaloneSvg } from './drawing.ts'
import { evennessFigure } from './evennessFigure.ts'
import { fateFigure } from './fateFigure.ts'
import { lanesFigure } from './lanesFigure.ts'
import { latencyFigure } from './latencyFigure.ts'
import type { Theme } from './palette.ts'
import type { PictureData } from './pictureData.ts'
import { ratesFigure } from './rates.ts'
import { tailsFigure } from './tailsFigure.ts'

/** In the order in which they are read. Those of one group bear its name. */
export function drawingsOf(data: PictureData): Drawing[] {
  const { groups } = data
  const ofGroup = (drawing: Drawing, group: string | null): Drawing =>
    group === null ? drawing : { ...drawing, title: `${drawing.title}: ${group}` }
  const each = (draw: (group: PictureData['groups'][number]) => Drawing) =>
    groups.map((group) => ofGroup(draw(group), group.group))
  return [
    ...each((group) => ratesFigure(data, group)),
    ...each((group) => latencyFigure(data, group)),
    tailsFigure(data),
    ...each((group) => fateFigure(data, group)),
    lanesFigure(data),
    ...each((group) => evennessFigure(group)).filter((_, at) => groups[at]?.evenness.length !== 0),
  ]
}

export interface Figure {
  readonly name: string
  readonly title: string
  readonly summary: string
  /** Stands alone: shown as an image, nothing in it can run. */
  readonly svg: string
}

/** All figures of a run, in the colours of a theme. */
export function figuresOf(data: PictureData, theme: Theme): Figure[] {
  return drawingsOf(data).map((drawing) => {
    const { name, title, summary } = drawing
    return { name, title, summary, svg: standaloneSvg(drawing, theme) }
  })
}
