import { showDuration } from '../output/quantities.ts'
import type { Look } from '../output/style.ts'
import { type Column, type Json, tableLines } from '../output/table.ts'
import { type Ledger, type LedgerGame, type LedgerWorker, median } from './ledger.ts'
import type { Evidence } from './reread.ts'
import { clockText } from './story.ts'

export interface DemoResult {
  /** kept: exit 0 · broken: 8 · inconclusive: 9, not all of it could be tried. */
  readonly verdict: 'kept' | 'broken' | 'inconclusive'
  /** Why it is not kept. */
  readonly why: readonly string[]
  readonly ledger: Ledger
  readonly evidence: Evidence
  readonly seed: number
  /** As shown: relative where it can be. */
  readonly dir: string
  readonly killed: { readonly name: string; readonly atMs: number; readonly wallMs: number } | null
  readonly durationMs: number
}

/** @param missing what could not be tried, in words. */
export function judge(
  parts: Omit<DemoResult, 'verdict' | 'why'>,
  missing: readonly string[],
): DemoResult {
  const { ledger, evidence } = parts
  const never = lost(parts).filter(({ ackedBy }) => ackedBy === null)
  const acked = lost(parts).filter(({ ackedBy }) => ackedBy !== null)
  // Where others use the channel too, these may be well in their hands, or theirs.
  const unsure = [
    ...never.map(({ label }) => `${label} is in no file`),
    ...evidence.strange.map((token) => `${token} was played by nobody`),
  ]
  const sure = [
    ...acked.map(({ label }) => `${label} was acked but is in no file`),
    ...evidence.duplicated.map((game) => `${labelOf(ledger, game.id)} was written twice`),
    ...evidence.wrong.map((game) => `${labelOf(ledger, game.id)} is not what was played`),
    ...evidence.unreadable,
    ...[...ledger.games.values()]
      .filter((game) => game.deadReason !== null)
      .map(({ label, deadReason }) => `${label} is a dead letter: ${deadReason}`),
  ]
  const others = ledger.unknown.size
  const isBroken = sure.length > 0 || (unsure.length > 0 && others === 0)
  if (isBroken) return { ...parts, verdict: 'broken', why: [...sure, ...unsure] }
  const why = [...missing, ...(unsure.length > 0 ? [notAlone(others), ...unsure] : [])]
  return { ...parts, verdict: why.length > 0 ? 'inconclusive' : 'kept', why }
}

export const exitCodes = { kept: 0, broken: 8, inconclusive: 9 } as const

const notAlone = (count: number) =>
  `${count} ${count === 1 ? 'message' : 'messages'} of others came: another program, perhaps another demo, uses this channel; give each a store of its own`

const labelOf = (ledger: Ledger, id: string) => ledger.games.get(id)?.label ?? id

function lost({ ledger, evidence }: Pick<DemoResult, 'ledger' | 'evidence'>): LedgerGame[] {
  return evidence.lost.flatMap(({ id }) => ledger.games.get(id) ?? [])
}

/** Ids of the messages that the verdict is about. */
export function brokenIds({ ledger, evidence }: DemoResult): LedgerGame[] {
  const { lost, duplicated, wrong } = evidence
  const ids = new Set([...lost, ...duplicated, ...wrong].map(({ id }) => id))
  return [...ledger.games.values()].filter((game) => ids.has(game.id) || game.deadReason !== null)
}

interface TableRow {
  readonly name: string
  readonly pid: number | null
  readonly written: number
  readonly delivered: number
  readonly acked: number
  readonly p50Ms: number | null
  readonly state: string
  readonly stateText: string
}

const columns: readonly Column<TableRow>[] = [
  { name: 'worker', value: ({ name }) => name },
  { name: 'pid', value: ({ pid }) => pid, text: ({ pid }) => String(pid ?? ''), align: 'left' },
  { name: 'written', head: 'GAMES WRITTEN', value: ({ written }) => written },
  { name: 'delivered', value: ({ delivered }) => delivered },
  { name: 'acked', value: ({ acked }) => acked },
  {
    name: 'latency_p50_ms',
    head: 'LATENCY p50',
    value: ({ p50Ms }) => p50Ms,
    text: ({ p50Ms }) => showDuration(p50Ms),
    align: 'right',
  },
  { name: 'state', value: ({ state }) => state, text: ({ stateText }) => stateText },
]

function tableRows({ ledger, killed }: DemoResult): TableRow[] {
  const stateText = ({ state }: LedgerWorker) =>
    state === 'killed' && killed ? `killed at ${clockText(killed.atMs)}` : state
  const workers = [...ledger.workers.values()]
  const { written, delivered, acked } = ledger.totals
  const all = workers.flatMap(({ latenciesMs }) => latenciesMs)
  return [
    ...workers.map((worker) => ({
      ...worker,
      p50Ms: median(worker.latenciesMs),
      stateText: stateText(worker),
    })),
    {
      name: 'total',
      pid: null,
      written,
      delivered,
      acked,
      p50Ms: median(all),
      state: '',
      stateText: '',
    },
  ]
}

/** The table and the verdict, for people. */
export function fancyLines(result: DemoResult, look: Look, next: readonly string[]): string[] {
  const { verdict, evidence, ledger, dir } = result
  const table = tableLines(columns, tableRows(result), {
    width: Number.POSITIVE_INFINITY,
    wide: false,
    paint: look.paint,
    ellipsis: look.ellipsis,
  })
  const { GAME_META, GAME_PODIUM } = evidence.rows
  return [
    '',
    ...table.map((line) => ` ${line}`),
    '',
    ...(verdict === 'broken' ? brokenLines(result, look) : goodLines(result, look)),
    ` Files    ${dir}/   GAME_META ${GAME_META} rows, GAME_PODIUM ${GAME_PODIUM} rows`,
    ...(verdict === 'broken' ? idLines(result) : next),
    ...(ledger.unknown.size > 0
      ? [` Note     ${ledger.unknown.size} messages of others seen`]
      : []),
  ]
}

function goodLines(result: DemoResult, look: Look): string[] {
  const { evidence, ledger, why } = result
  const { redelivered, skipped } = ledger.totals
  const isKept = result.verdict === 'kept'
  const head = isKept
    ? look.paint(['bold', 'green'], 'KEPT ')
    : look.paint('yellow', 'INCONCLUSIVE')
  const ok = look.paint('green', look.ok)
  const { GAME_PODIUM } = evidence.rows
  const games = ledger.games.size
  return [
    ...(isKept ? [] : [` ${head} ${why.join('; ')}`]),
    ` ${isKept ? head : '     '} ${ok} lost        0   ${games} games played, ${evidence.games} different games in the files`,
    `       ${ok} duplicated  0   ${GAME_PODIUM} of ${evidence.rowsExpected} podium rows, no game written twice`,
    `         redelivered ${redelivered}   ${redelivered === 0 ? 'nothing came back' : `expected after a kill; ${redelivered - skipped} redone, ${skipped} skipped`}`,
    ...slowestLines(result),
  ]
}

/** The slowest message, and what it waited for. */
function slowestLines({ ledger, killed }: DemoResult): string[] {
  const timed = [...ledger.games.values()].flatMap((game) =>
    game.ackedMs === null ? [] : [{ game, ms: game.ackedMs - game.finishedMs }],
  )
  const slowest = timed.sort((a, b) => b.ms - a.ms)[0]
  if (!slowest) return []
  const { game, ms } = slowest
  const isBack = game.deliveredTo.length > 1 && killed !== null
  const why = isBack
    ? `a redelivered message: held ${showDuration(Math.max(0, killed.wallMs - game.finishedMs))}, back in ${showDuration((game.ackedMs ?? 0) - killed.wallMs)}`
    : 'from the end of the game to the ack'
  return [`         slowest     ${showDuration(ms)}   ${why}`]
}

function brokenLines(result: DemoResult, look: Look): string[] {
  const { evidence, ledger } = result
  const head = look.paint(['bold', 'red'], 'BROKEN')
  const mark = (count: number) =>
    count > 0 ? look.paint('red', look.bad) : look.paint('green', look.ok)
  const lines = [
    { word: 'lost', games: lost(result), text: whyLost },
    {
      word: 'duplicated',
      games: labelled(ledger, evidence.duplicated),
      text: () => 'written twice',
    },
  ].map(
    ({ word, games, text }) =>
      `${mark(games.length)} ${word.padEnd(10)} ${games.length}${games.length > 0 ? `   ${text(games)}` : ''}`,
  )
  const shown = new Set(lines)
  const others = result.why.filter((reason) => !/in no file|written twice/.test(reason))
  return [
    ...[...shown].map((line, at) => ` ${at === 0 ? head : '      '} ${line}`),
    ...others.slice(0, 10).map((reason) => `        ${mark(1)} ${reason}`),
  ]
}

function whyLost(games: readonly LedgerGame[]): string {
  const labels = games.map(({ label }) => label)
  const shown = labels.length > 6 ? [...labels.slice(0, 6), '…'] : labels
  const isAcked = games.every(({ ackedBy }) => ackedBy !== null)
  const verb = games.length === 1 ? ['was', 'is'] : ['were', 'are']
  return `${shown.join(', ')} ${isAcked ? `${verb[0]} acked but ${verb[1]}` : verb[1]} in no file`
}

function labelled(ledger: Ledger, games: readonly { readonly id: string }[]): LedgerGame[] {
  return games.flatMap(({ id }) => ledger.games.get(id) ?? [])
}

/** An id has 73 characters: beside a label it would not fit into 80 columns. */
function idLines(result: DemoResult): string[] {
  const games = brokenIds(result)
  const folder = result.dir.replace(/[/\\]data$/, '')
  return [
    ...games.flatMap(({ id, label }) => [` Id       of ${label}`, ` ${id}`]),
    ' This should not happen. Please open an issue with the ids and the folder',
    ` ${folder}/`,
  ]
}

/** The verdict for pipes: one line, and with BROKEN the ids. */
export function plainLines(result: DemoResult): string[] {
  const { verdict, evidence, ledger, dir, why } = result
  const word = verdict.toUpperCase()
  const counts = `lost ${evidence.lost.length} duplicated ${evidence.duplicated.length}`
  const first = `${word} ${counts} redelivered ${ledger.totals.redelivered} files ${dir}`
  if (verdict === 'kept') return [first]
  return [
    first,
    ...why.map((reason) => `why ${reason}`),
    ...brokenIds(result).map(({ id, label }) => `id ${id} ${label}`),
  ]
}

/** The one object of `--json`. */
export function resultFields(result: DemoResult): Readonly<Record<string, Json>> {
  const { verdict, evidence, ledger, dir, seed, durationMs, why } = result
  const { delivered, acked, redelivered, skipped } = ledger.totals
  const workers = tableRows(result)
    .slice(0, -1)
    .map((row) => Object.fromEntries(columns.map(({ name, value }) => [name, value(row)])))
  return {
    verdict,
    games: ledger.games.size,
    ...{ delivered, acked, redelivered, skipped },
    lost: evidence.lost.length,
    duplicated: evidence.duplicated.length,
    rows: { ...evidence.rows },
    workers,
    files: evidence.files,
    ...{ dir, seed },
    duration_ms: Math.round(durationMs),
    ...(verdict === 'kept' ? {} : { why, ids: brokenIds(result).map(({ id }) => id) }),
  }
}
