import { cut, displayWidth, padEnd } from '../output/displayWidth.ts'
import { showCount, showDuration, showRate } from '../output/quantities.ts'
import type { Look } from '../output/style.ts'
import type { Ledger, LedgerWorker } from './ledger.ts'
import { clockText } from './story.ts'

export interface FrameFacts {
  readonly ledger: Ledger
  readonly look: Look
  readonly columns: number
  readonly elapsedMs: number
  readonly nowMs: number
  readonly gamesPlanned: number
  readonly players: number
  readonly channel: string
  readonly leaseMs: number
  /** Wall time of the kill; null before. */
  readonly killedMs: number | null
}

const barColumns = 10
const sparkSeconds = 10

/** The live region: arena, channel, who has how much, the last game. All from one account. */
export function frame(facts: FrameFacts): string[] {
  const { ledger, look, columns, elapsedMs, nowMs, gamesPlanned, players, channel } = facts
  const { finished, waiting, leased, acked, dead } = ledger.totals
  const perSecond = finishedPerSecond(facts)
  const rate = perSecond.slice(-5).reduce((sum, count) => sum + count, 0) / 5
  const arena = `${clockText(elapsedMs).padStart(5)}  arena  ${players} players   games ${finished}/${gamesPlanned}   hits ${showCount(ledger.hits)}`
  const pace = `   ${showRate(rate)}`.replace('/s', ' games/s')
  const spark = `  ${look.spark(perSecond)}`
  const fits = (text: string) => displayWidth(text) < columns
  const oldest = ledger.oldestMs
  const age = oldest === null ? '' : `   oldest ${showDuration(nowMs - oldest)}`
  return [
    [arena, pace, spark].reduce((line, part) => (fits(line + part) ? line + part : line)),
    ` ${channel}   waiting ${waiting}   leased ${leased}   acked ${acked}   dead ${dead}${age}`,
    ...workerLines(facts),
    ` last   ${lastGame(facts)}`,
    ' s plain output   q stop',
  ]
}

/** Games that ended in each of the last seconds. */
function finishedPerSecond({ ledger, nowMs }: FrameFacts): number[] {
  const counts = Array<number>(sparkSeconds).fill(0)
  for (const { finishedMs } of ledger.games.values()) {
    const at = sparkSeconds - 1 - Math.floor((nowMs - finishedMs) / 1_000)
    if (at >= 0 && at < sparkSeconds) counts[at] = (counts[at] ?? 0) + 1
  }
  return counts
}

function workerLines(facts: FrameFacts): string[] {
  const { ledger, look, elapsedMs } = facts
  const workers = [...ledger.workers.values()]
  const most = Math.max(...workers.map(({ written }) => written), 1)
  const full = Math.ceil(most / 10) * 10
  const digits = String(most).length
  const step = Math.floor(elapsedMs / 300)
  const isPlaying = ledger.games.size < facts.gamesPlanned
  return workers.map((worker, at) => {
    const left = at === 0 ? ` players ${line(look, isPlaying, step)} lobby ` : ' '.repeat(22)
    const isLeading = worker.state !== 'killed'
    const lead = isLeading ? line(look, worker.leased.size > 0, step) : ` ${look.bad}    `
    const bar = look.bar(worker.written / full, barColumns)
    const written = `${String(worker.written).padStart(digits)} written`
    return `${padEnd(left, 22)}${lead} ${worker.name} ${bar} ${written}   ${stateOf(worker, facts)}`
  })
}

/** `─●─●─▶`, its dots moving while something is under way. */
function line(look: Look, isMoving: boolean, step: number): string {
  const [dash, dot, head] = look.ascii ? ['-', 'o', '>'] : ['─', '●', '▶']
  const places = Array.from({ length: 5 }, (_, at) =>
    isMoving && (at + step * 3) % 2 === 1 ? dot : dash,
  )
  return places.join('') + head
}

function stateOf(worker: LedgerWorker, { killedMs, nowMs, leaseMs }: FrameFacts): string {
  if (worker.state !== 'killed')
    return worker.leased.size > 0 ? `leased ${worker.leased.size}` : 'idle'
  const held = worker.leased.size
  if (held === 0 || killedMs === null) return 'killed'
  const left = Math.max(0, Math.ceil((killedMs + leaseMs - nowMs) / 1_000))
  return `killed, ${held} ${held === 1 ? 'lease' : 'leases'}, ${left} s`
}

function lastGame({ ledger, columns, look }: FrameFacts): string {
  const { last } = ledger
  if (!last) return 'no game written yet'
  const end = `   ${last.label}, written by ${last.writtenBy}`
  return `${cut(last.story, Math.max(10, columns - 9 - end.length), look.ellipsis)}${end}`
}
