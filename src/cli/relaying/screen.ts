import type { Relay, RelayCounts } from '../../runtime/live/relayApi.ts'
import { displayWidth } from '../output/displayWidth.ts'
import { showCount, showElapsed, showRate } from '../output/quantities.ts'
import type { Look } from '../output/style.ts'
import { shortNames } from '../telemetry/shortNames.ts'

export interface ScreenFacts {
  readonly channel: string
  readonly url: string
  /** What the backend promises for it, in words. */
  readonly promise: string
  readonly upMs: number
  /** Taken a second; null before the first second is over. */
  readonly rate: number | null
  readonly relay: Pick<Relay, 'counts' | 'routedTo' | 'isReady'>
  /** What a worker says that it has in hand; null: it says nothing. */
  readonly inHand: (worker: string) => number | null
  readonly look: Look
}

/** The live view of `relay`. */
export function relayFrame(facts: ScreenFacts, columns: number): string[] {
  const { channel, url, promise, upMs, look } = facts
  const up = `up ${showElapsed(upMs)}`
  const room = columns - 1 - `relay ${channel}  ${url}  `.length - up.length - 2
  const isRoom = displayWidth(promise) <= room
  const title = isRoom ? `${url}  ${promise}` : url
  const gap = Math.max(2, columns - 1 - displayWidth(`relay ${channel}  ${title}`) - up.length)
  return [
    `${look.paint('bold', `relay ${channel}`)}  ${title}${' '.repeat(gap)}${up}`,
    ...(isRoom ? [] : [promise]),
    counts(facts),
    ...side(workers(facts), columns - 1),
    look.paint('dim', 's plain output   p pause   q stop'),
  ]
}

/** One line of totals; also the heartbeat of plain output. */
export function counts({ rate, relay }: Pick<ScreenFacts, 'rate' | 'relay'>): string {
  const perSecond = rate === null ? '' : `  ${showRate(rate)}`
  const stands = relay.isReady ? '' : 'stands by   '
  return `${stands}taken ${showCount(relay.counts.taken)}${perSecond}   ${partsOf(relay.counts)}`
}

/** What became of what was taken: what is rare is only told where it was. */
export function partsOf({ routed, noWorker, rerouted, ...rare }: RelayCounts): string {
  const { held, unknown, dropped } = rare
  return [
    `routed ${showCount(routed)}`,
    `no worker ${showCount(noWorker)}`,
    ...(held > 0 ? [`held ${showCount(held)}`] : []),
    ...(unknown > 0 ? [`unknown ${showCount(unknown)}`] : []),
    ...(dropped > 0 ? [`dropped ${showCount(dropped)}`] : []),
    `tried a second worker ${showCount(rerouted)}`,
  ].join('   ')
}

const givenMax = 20

/** The last line: how many each worker was given. Null where nobody was. */
export function givenTo({ routedTo }: Pick<Relay, 'routedTo'>): string | null {
  if (routedTo.size === 0) return null
  const texts = workers({ relay: { routedTo }, inHand: () => null })
  const more = texts.length - givenMax
  const rest = more > 0 ? `   and ${showCount(more)} more` : ''
  return `given to   ${texts.slice(0, givenMax).join('   ')}${rest}`
}

interface Given extends Pick<ScreenFacts, 'inHand'> {
  readonly relay: Pick<Relay, 'routedTo'>
}

function workers({ relay, inHand }: Given): string[] {
  const ids = [...relay.routedTo.keys()]
  const short = shortNames(ids)
  return ids
    .map((id) => {
      const hand = inHand(id)
      const rest = hand === null ? '' : ` in hand ${showCount(hand)}`
      return `${short.get(id)} ${showCount(relay.routedTo.get(id) ?? 0)}${rest}`
    })
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
}

/** As many in a line as it has room for. */
function side(texts: readonly string[], columns: number): string[] {
  const lines: string[] = []
  for (const text of texts) {
    const longer = `${lines.at(-1)}   ${text}`
    if (lines.length > 0 && displayWidth(longer) <= columns) lines[lines.length - 1] = longer
    else lines.push(text)
  }
  return lines
}
