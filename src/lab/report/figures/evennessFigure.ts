import type { Epoch } from '../../checker/evenness.ts'
import { numbers, type Table } from '../page/table.ts'
import type { Drawing } from './drawing.ts'
import { type Markup, markup } from './markup.ts'
import { counted, shownNumber } from './numbers.ts'
import type { GroupPicture } from './pictureData.ts'
import { at, left, right } from './scales.ts'

const epochsMax = 8
const barsMax = 48
const barHeight = 12
const barGap = 4
const headHeight = 24
const top = 44
/** Fair chance leaves 999 of 1,000 workers inside so many standard deviations. */
const deviations = 3.29

/**
 * What each worker did as a share of its fair part, in each stretch with the same workers, and the band
 * that fair chance allows. The longest stretches that have enough messages to say anything.
 */
export function evennessFigure({ group, evenness }: GroupPicture): Drawing {
  const judged = evenness.filter(({ isSkipped }) => !isSkipped)
  const shown = longestOf(judged)
  const most = Math.max(
    1.5,
    ...shown.map(({ maxOverMean }) => maxOverMean),
    ...shown.map(bandOf).map(({ to }) => to),
  )
  const x = (share: number) => left + (share / (most * 1.05)) * (right - left)
  let y = top
  const drawn = shown.map((epoch, index) => {
    const part = epochPart(epoch, index, y, x)
    y += headHeight + Math.min(barsMax, epoch.counts.length) * (barHeight + barGap) + 10
    return part
  })
  const uneven = judged.filter(({ isUneven }) => isUneven).length
  const skipped = evenness.length - judged.length
  const rest = judged.length - shown.length
  return {
    name: group === null ? 'evenness' : `evenness-${group}`,
    title: 'How evenly the work was shared',
    summary: `${counted(judged.length, 'stretch').replace('stretchs', 'stretches')} with the same workers, ${shownNumber(uneven)} of them more uneven than chance allows${skipped > 0 ? `; ${shownNumber(skipped)} too short to say` : ''}${rest > 0 ? `; the ${shownNumber(shown.length)} with the most messages are shown` : ''}.`,
    table: evennessTable(shown),
    height: shown.length === 0 ? 40 : y + 4,
    body:
      shown.length === 0
        ? markup`<text class="f-muted" x="${left}" y="24">No stretch had the 100 messages for each worker that it takes to say anything.</text>`
        : markup`<rect class="f-rule s-lane hair" x="${left}" y="6" width="18" height="12"/><text class="f-ink" x="${left + 24}" y="17">what fair chance allows</text><path class="s-ink hair dashed" d="M${left + 200} 4v16"/><text class="f-ink" x="${left + 210}" y="17">fair part</text>${drawn}`,
  }
}

function evennessTable(epochs: readonly Epoch[]): Table {
  return {
    caption: 'Messages by stretch and worker',
    columns: ['Stretch', 'Worker', ...numbers('done', 'fair part')],
    rows: epochs.flatMap((epoch, index) =>
      epoch.workers
        .slice(0, barsMax)
        .map((worker, at0) => [
          String(index + 1),
          String(worker),
          ...numbers(
            shownNumber(epoch.counts[at0] ?? 0),
            shownNumber(totalOf(epoch) / epoch.workers.length),
          ),
        ]),
    ),
  }
}

function longestOf(epochs: readonly Epoch[]): Epoch[] {
  const totals = new Map(epochs.map((epoch) => [epoch, totalOf(epoch)]))
  const order = epochs.toSorted((a, b) => (totals.get(b) ?? 0) - (totals.get(a) ?? 0))
  const kept = new Set(order.slice(0, epochsMax))
  return epochs.filter((epoch) => kept.has(epoch))
}

function totalOf({ counts }: Epoch): number {
  return counts.reduce((sum, count) => sum + count, 0)
}

/** In fair parts. */
function bandOf(epoch: Epoch): { readonly from: number; readonly to: number } {
  const workers = epoch.counts.length
  const spread = deviations * Math.sqrt((workers - 1) / Math.max(1, totalOf(epoch)))
  return { from: Math.max(0, 1 - spread), to: 1 + spread }
}

function epochPart(epoch: Epoch, index: number, y: number, x: (share: number) => number): Markup {
  const { workers, counts, maxOverMean, isUneven } = epoch
  const mean = totalOf(epoch) / workers.length
  const { from, to } = bandOf(epoch)
  const bars = counts.slice(0, barsMax)
  const first = y + headHeight
  const last = first + bars.length * (barHeight + barGap)
  const state = isUneven ? '✗ uneven' : '✓ even'
  const more = counts.length - bars.length
  return markup`<text class="f-ink" x="${left}" y="${y + 14}">Stretch ${index + 1}: <tspan class="strong ${isUneven ? 'f-broken' : 'f-kept'}">${state}</tspan>, ${counted(totalOf(epoch), 'message')}, most by mean ${shownNumber(maxOverMean)}${more > 0 ? `, ${counted(more, 'worker')} more` : ''}</text><rect class="f-rule s-lane hair" x="${at(x(from))}" y="${first - 2}" width="${at(x(to) - x(from))}" height="${last - first}"/>${bars.map(
    (count, at0) => {
      const top0 = first + at0 * (barHeight + barGap)
      return markup`<text class="f-muted small end" x="${left - 8}" y="${top0 + 10}">worker ${workers[at0] ?? ''}</text><path class="f-ok" d="M${left} ${top0}H${at(x(count / mean))}v${barHeight}H${left}z"/><text class="f-ink small" x="${at(Math.max(x(count / mean), x(to)) + 6)}" y="${top0 + 10}">${shownNumber(count)}</text>`
    },
  )}<path class="s-ink hair dashed" d="M${at(x(1))} ${first - 4}V${last}"/>`
}
