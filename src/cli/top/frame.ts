import { cut, displayWidth, harmless, padEnd } from '../output/displayWidth.ts'
import { countOf, showCount, showDuration, showRate, showTime } from '../output/quantities.ts'
import type { Look } from '../output/style.ts'
import { tableLines } from '../output/table.ts'
import { shortNames } from '../telemetry/shortNames.ts'
import type { Change } from './changes.ts'
import { channelColumns } from './channelTable.ts'
import type { History } from './history.ts'
import type { Snapshot } from './snapshot.ts'

export interface FrameFacts {
  readonly snapshot: Snapshot
  readonly history: History
  /** Lines about workers, the newest last. */
  readonly events: readonly string[]
  /** Index into the channels. */
  readonly selected: number
  readonly url: string
  readonly environment: string | null
  readonly sinceMs: number
  readonly isPaused: boolean
  /** Why the last look failed. */
  readonly trouble: string | null
  readonly hasKeys: boolean
  readonly utc: boolean
  readonly look: Look
}

const eventsMax = 3
/** Below it each graph has a line of its own. */
const twoGraphsMin = 60

/** What fits into the window, from the top. */
export function topFrame(facts: FrameFacts, columns: number, rows: number): string[] {
  const { snapshot, look } = facts
  const events = facts.events.slice(-eventsMax)
  const head = [...header(facts, columns), ...graphs(facts, columns)]
  const foot = [...detail(facts), ...events, keys(facts)]
  const room = Math.max(1, rows - head.length - foot.length - 1)
  const first = Math.max(0, Math.min(facts.selected - room + 1, snapshot.channels.length - room))
  const shown = snapshot.channels.slice(first, first + room)
  const table = tableLines(channelColumns(look), shown, {
    ...{ width: columns - 1, wide: false, paint: look.paint, ellipsis: look.ellipsis },
  }).map((line, at) => (at > 0 && first + at - 1 === facts.selected ? `>${line}` : ` ${line}`))
  const blank = new Array<string>(Math.max(0, room - shown.length)).fill('')
  const body = snapshot.channels.length === 0 ? [' no channels yet'] : table
  return [...head, ...body, ...blank, ...foot].map((line) => fitted(line, columns, look))
}

function fitted(line: string, columns: number, { ellipsis }: Look): string {
  return displayWidth(line) <= columns ? line : cut(line, columns, ellipsis)
}

function header(facts: FrameFacts, columns: number): string[] {
  const { snapshot, url, look, sinceMs, utc, environment } = facts
  const readers = new Set(snapshot.workers.map(({ worker }) => worker)).size
  const name = look.paint('bold', 'narrowcast top')
  const where = environment === null ? url : `${environment}  ${url}`
  const counts = `${countOf(snapshot.channels.length, 'channel')}  ${countOf(readers, 'reader')}`
  const since = `since ${showTime(sinceMs, snapshot.timeMs, utc).slice(0, 8)}`
  const whole = `${name}  ${where}  ${counts}  ${since}`
  const lines =
    displayWidth(whole) <= columns ? [whole] : [`${name}  ${where}`, `${counts}  ${since}`]
  const said = facts.trouble ?? (facts.isPaused ? 'paused: p goes on' : null)
  return said === null ? lines : [...lines, look.paint('yellow', `${look.warn} ${said}`)]
}

function graphs({ history, snapshot, look }: FrameFacts, columns: number): string[] {
  const rate = (value: number | null) => (value === null ? '-' : showRate(value))
  const all = [
    graph('IN', history.in, rate(snapshot.inPerS)),
    graph('WAITING', history.waiting, max(snapshot.waiting, history.waiting, showCount)),
    graph('OUT', history.out, rate(snapshot.outPerS)),
    graph('p95', history.p95, max(snapshot.p95Ms, history.p95, showDuration)),
  ] as const
  if (columns < twoGraphsMin) return all.map((one) => one(columns, look))
  const half = Math.floor(columns / 2)
  const [a, b, c, d] = all.map((one) => padEnd(one(half, look), half)) as [
    string,
    string,
    string,
    string,
  ]
  return [`${a}${b}`.trimEnd(), `${c}${d}`.trimEnd()]
}

function max(value: number | null, of: readonly number[], show: (value: number) => string): string {
  if (value === null) return '-'
  return `${show(value)} max ${show(Math.max(value, ...of))}`
}

function graph(label: string, values: readonly number[], text: string) {
  return (columns: number, look: Look) => {
    const room = Math.max(0, columns - 12 - displayWidth(text))
    const spark = look.spark(values.slice(-room || values.length)).slice(0, room)
    return ` ${label.padEnd(8)}${spark.padStart(room, ' ')} ${text}`
  }
}

/** Who reads the channel that is marked. */
function detail({ snapshot, selected }: FrameFacts): string[] {
  const row = snapshot.channels[selected]
  if (!row) return ['']
  const ids = [...snapshot.workers, ...row.relays].map(({ worker }) => worker)
  const short = shortNames(ids)
  const relays = row.relays.map(
    ({ worker, leads }) =>
      `${harmless(short.get(worker) ?? worker)} ${leads ? 'leads' : 'stands by'}`,
  )
  const readers = row.readers.map(({ worker, state, in_flight_count: inHand }) => {
    const hand = inHand > 0 ? ` ${showCount(inHand)} in hand` : ''
    return `${harmless(short.get(worker) ?? worker)} ${state}${hand}`
  })
  const all = [...relays, ...readers]
  const who = all.length === 0 ? 'nobody tells that it reads it' : all.join('   ')
  return [` ${harmless(row.channel)}: ${who}`]
}

function keys({ hasKeys, look }: FrameFacts): string {
  const words = hasKeys
    ? `${look.ascii ? 'up/down' : '↑↓'} move   p pause   q quit`
    : 'Ctrl-C quits'
  return look.paint('dim', ` ${words}`)
}

/** What is said of a worker that changed. */
export function changeLine({ worker, what, channel, host, pid }: Change, time: string): string {
  const words = {
    came: 'came',
    silent: 'stopped telling; what it holds comes again when its lease ends',
    back: 'tells again',
    gone: 'is gone',
  }
  return ` ${time}  ${harmless(worker)} on ${harmless(channel)} (${harmless(host)}:${pid}) ${words[what]}`
}
