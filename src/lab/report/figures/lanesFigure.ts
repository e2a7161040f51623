import { numbers, type Table } from '../page/table.ts'
import type { Drawing } from './drawing.ts'
import type { Lane, LaneState } from './lanes.ts'
import { type Markup, markup } from './markup.ts'
import { counted, shownMs, shownNumber } from './numbers.ts'
import type { PictureData } from './pictureData.ts'
import { at, faultBands, left, right, timeAxis, xOf } from './scales.ts'

const lanesMax = 32
const rowHeight = 26
const barHeight = 14
const top = 48

/** Who was alive, stopped or dead, with a tick where something was done. */
export function lanesFigure(data: PictureData): Drawing {
  const { lanes, bands } = data
  const shown = lanes.all.slice(0, lanesMax)
  const more = lanes.all.length - shown.length
  const hasRelays = lanes.all.some(({ role }) => role === 'relay')
  const bottom = top + Math.max(1, shown.length) * rowHeight + 4
  const mostOf = (role: Lane['role']) =>
    Math.max(1, ...shown.flatMap((lane) => (lane.role === role ? [...lane.ticks] : [])))
  const deaths = lanes.all.reduce((sum, { deathsMs }) => sum + deathsMs.length, 0)
  const stops = lanes.all.reduce((sum, lane) => sum + spansOf(lane, 'stopped').length, 0)
  return {
    name: 'lanes',
    title: hasRelays ? 'Relays and workers' : 'Workers',
    summary: `${counted(lanes.all.length, 'lane')} over time: ${counted(deaths, 'death')}, ${counted(stops, 'stop')}. The ticks are messages done${hasRelays ? ', or routed' : ''}.`,
    table: lanesTable(lanes.all.slice(0, 64), data.toMs),
    height: bottom + 24 + (more > 0 ? 20 : 0),
    body: markup`${legend}${faultBands(bands, data, top - 2, bottom)}${shown.map((lane, row) => laneRow(lane, data, top + row * rowHeight, mostOf(lane.role)))}${timeAxis(data, bottom)}${more > 0 ? markup`<text class="f-muted small" x="${left}" y="${bottom + 38}">and ${counted(more, 'lane')} more</text>` : null}`,
  }
}

function lanesTable(lanes: readonly Lane[], toMs: number): Table {
  const totalMs = (lane: Lane, state: LaneState) =>
    spansOf(lane, state).reduce((sum, one) => sum + Math.min(one.toMs, toMs) - one.fromMs, 0)
  return {
    caption: 'Who was there, and for how long',
    columns: ['', ...numbers('done', 'alive', 'stopped', 'cut off', 'deaths')],
    rows: lanes.map((lane) => [
      nameOf(lane),
      ...numbers(
        shownNumber(lane.total),
        ...(['alive', 'stopped', 'cut off'] as const).map((state) => shownMs(totalMs(lane, state))),
        shownNumber(lane.deathsMs.length),
      ),
    ]),
  }
}

function nameOf({ role, actor, group }: Lane): string {
  const name = roles[role as keyof typeof roles] ?? role
  return `${name} ${actor}${group === null ? '' : ` of ${group}`}`
}

function spansOf({ spans }: Lane, state: LaneState) {
  return spans.filter((span) => span.state === state)
}

const roles = { relay: 'relay', worker: 'worker', drainReader: 'at the end' } as const

function laneRow(lane: Lane, data: PictureData, y: number, most: number): Markup {
  const x = xOf(data)
  const barTop = y + (rowHeight - barHeight) / 2
  const { bins } = data.lanes
  const box = ({ fromMs, toMs }: Lane['spans'][number]) => {
    const from = x(fromMs)
    return `M${at(from)} ${at(barTop)}h${at(Math.max(1, x(toMs) - from))}v${barHeight}H${at(from)}z`
  }
  const boxes = (state: LaneState) => spansOf(lane, state).map(box).join('')
  const ticks = Array.from(lane.ticks, (count, bin) => {
    if (count === 0) return ''
    const tall = Math.max(3, (count / most) * barHeight)
    const from = x(bins.fromMs + (bin + 0.5) * bins.binMs)
    return `M${at(from)} ${at(barTop + barHeight)}v${at(-tall)}`
  }).join('')
  const middle = y + rowHeight / 2
  const name = nameOf({ ...lane, group: null })
  const group = lane.group === null ? '' : ` ${lane.group}`
  return markup`<text class="f-muted small end" x="${left - 8}" y="${at(middle + 4)}">${name}</text><path class="s-rule hair dotted" d="M${left} ${at(middle)}H${right}"/>${drawnBoxes(boxes)}<path class="s-out hair" d="${ticks}"/>${lane.deathsMs.map((ms) => markup`<text class="f-fault strong middle" x="${at(x(ms))}" y="${at(middle + 5)}">✗</text>`)}<text class="f-ink small" x="${right + 8}" y="${at(middle + 4)}">${shownNumber(lane.total)} ${lane.role === 'relay' ? 'routed' : 'done'}${group}</text>`
}

function drawnBoxes(boxes: (state: LaneState) => string): Markup {
  return markup`<path class="f-card s-lane hair" d="${boxes('alive')}"/><path class="f-band s-lane hair dashed" d="${boxes('draining')}"/><path class="f-stop s-lane hair" d="${boxes('stopped')}"/><path class="f-cut s-lane hair dotted" d="${boxes('cut off')}"/>`
}

const legend: Markup = markup`<path class="f-card s-lane hair" d="M${left} 6h18v12h-18z"/><text class="f-ink" x="${left + 24}" y="17">alive</text><path class="f-band s-lane hair dashed" d="M${left + 76} 6h18v12h-18z"/><text class="f-ink" x="${left + 100}" y="17">draining</text><path class="f-stop s-lane hair" d="M${left + 174} 6h18v12h-18z"/><text class="f-ink" x="${left + 198}" y="17">stopped</text><path class="f-cut s-lane hair dotted" d="M${left + 268} 6h18v12h-18z"/><text class="f-ink" x="${left + 292}" y="17">cut off</text><text class="f-fault strong" x="${left + 354}" y="17">✗</text><text class="f-ink" x="${left + 370}" y="17">killed or ended</text><path class="s-rule hair dotted" d="M${left + 484} 12h18"/><text class="f-ink" x="${left + 508}" y="17">dead</text><path class="s-out hair" d="M${left + 562} 18v-12M${left + 566} 18v-8M${left + 570} 18v-10"/><text class="f-ink" x="${left + 580}" y="17">done</text>`
