import { numbers } from '../page/table.ts'
import type { Drawing } from './drawing.ts'
import type { TailPoint } from './latencyLines.ts'
import { type Markup, markup } from './markup.ts'
import { shownMs } from './numbers.ts'
import type { PictureData } from './pictureData.ts'
import { at, endLabels, left, logScale, pathOf, right } from './scales.ts'

const top = 24
const bottom = 244

/**
 * How slow the slowest were to be accepted: counted from when they were to be sent, and from when they
 * were. Where the two part, senders have waited.
 */
export function tailsFigure({ tails }: PictureData): Drawing {
  const all = [...tails.response, ...tails.service].map(({ ms }) => ms)
  const deepest = Math.max(
    0.9,
    ...[...tails.response, ...tails.service].map(({ quantile }) => quantile),
  )
  const longest = tails.response.length > tails.service.length ? tails.response : tails.service
  const nines = Math.max(1, ninesOf(deepest))
  const x = (quantile: number) => left + (ninesOf(quantile) / nines) * (right - left)
  const { yOf, axis } = logScale(Math.min(1_000, ...all), Math.max(0.001, ...all), top, bottom)
  const points = (tail: readonly TailPoint[]) =>
    tail.map(({ quantile, ms }) => ({ x: x(quantile), y: yOf(ms) }))
  const [response, service] = [points(tails.response), points(tails.service)]
  const slowest = (tail: readonly TailPoint[]) => {
    const last = tail.at(-1)
    return last ? `${shownMs(last.ms)} at ${shareName(last.quantile)}` : 'never answered'
  }
  return {
    name: 'tails',
    title: 'Tails of publishing',
    summary: `Response ${slowest(tails.response)}, service ${slowest(tails.service)}. Response counts from when a message was to be sent, service from when it was.`,
    height: bottom + 28,
    table: {
      caption: 'No slower than',
      columns: ['', ...numbers('response', 'service')],
      rows: longest.map(({ quantile }, at0) => {
        const shown = [tails.response[at0], tails.service[at0]]
        return [
          shareName(quantile),
          ...numbers(...shown.map((one) => (one ? shownMs(one.ms) : ''))),
        ]
      }),
    },
    body: markup`${axis}${shareAxis(nines, x)}<path class="s-in line solid" d="${pathOf(response)}"/><path class="s-out line dashed" d="${pathOf(service)}"/>${endLabels(
      [
        { y: response.at(-1)?.y ?? bottom, text: 'response', colour: 'in' },
        { y: service.at(-1)?.y ?? bottom, text: 'service', colour: 'out' },
      ],
      bottom,
    )}`,
  }
}

/** 0.9 is one, 0.99 two. */
function ninesOf(quantile: number): number {
  return -Math.log10(1 - quantile)
}

function shareAxis(nines: number, x: (quantile: number) => number): Markup {
  const shares = [0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999]
  return markup`<path class="s-muted hair" d="M${left} ${bottom}H${right}"/>${shares
    .filter((share) => ninesOf(share) <= nines + 1e-9)
    .map(
      (share) =>
        markup`<path class="s-muted hair" d="M${at(x(share))} ${bottom}v4"/><text class="f-muted small middle" x="${at(x(share))}" y="${bottom + 17}">${shareName(share)}</text>`,
    )}`
}

function shareName(quantile: number): string {
  return quantile === 0 ? 'min' : `p${Number((quantile * 100).toFixed(4))}`
}
