import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { parquetReadObjects } from 'hyparquet'
import type { PlayedGame } from './ledger.ts'

/** What lies on disk, read with another program than the one that wrote it. */
export interface Evidence {
  readonly files: number
  readonly rows: Readonly<Record<Table, number>>
  /** Rows that the games played should have led to. */
  readonly rowsExpected: number
  /** Different games in the files. */
  readonly games: number
  /** Played, but not whole in the files. */
  readonly lost: readonly PlayedGame[]
  /** Games with a row that is there more than once. */
  readonly duplicated: readonly PlayedGame[]
  /** Games whose rows are there once but say something else than was played. */
  readonly wrong: readonly PlayedGame[]
  /** Tokens in the files that nobody has played. */
  readonly strange: readonly string[]
  /** Files that cannot be read. */
  readonly unreadable: readonly string[]
}

export const tables = ['GAME_META', 'GAME_PODIUM'] as const
export type Table = (typeof tables)[number]
type Row = Readonly<Record<string, unknown>>

/** Reads every Parquet file below `dir` and compares it with the games that were played. */
export async function reread(dir: string, played: readonly PlayedGame[]): Promise<Evidence> {
  const rows: Record<Table, Row[]> = { GAME_META: [], GAME_PODIUM: [] }
  const unreadable: string[] = []
  let files = 0
  for (const path of await parquetFiles(dir)) {
    const table = tables.find((name) => path.split('/').includes(name))
    if (!table) continue
    files++
    try {
      rows[table].push(...(await rowsOf(join(dir, path))))
    } catch (error) {
      unreadable.push(`${path}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  const counts = { meta: countRows(rows.GAME_META), podium: countRows(rows.GAME_PODIUM) }
  const seatsOf = ({ token, players }: PlayedGame) => players.map((player) => `${token} ${player}`)
  const tokens = new Set(played.map(({ token }) => token))
  const found = new Set(tables.flatMap((name) => rows[name].map((row) => String(row.game_token))))
  const lost = played.filter((game) =>
    seatsOf(game).some((seat) => !counts.meta.has(seat) || !counts.podium.has(seat)),
  )
  const repeated = new Set(
    [...counts.meta, ...counts.podium].filter(([, count]) => count > 1).map(([seat]) => seat),
  )
  const duplicated = played.filter((game) => seatsOf(game).some((seat) => repeated.has(seat)))
  const podiums = Map.groupBy(rows.GAME_PODIUM, (row) => String(row.game_token))
  const wrong = played.filter(
    (game) =>
      !lost.includes(game) &&
      !duplicated.includes(game) &&
      !isTrue(game, podiums.get(game.token) ?? []),
  )
  return {
    files,
    rows: { GAME_META: rows.GAME_META.length, GAME_PODIUM: rows.GAME_PODIUM.length },
    rowsExpected: played.reduce((sum, { players }) => sum + players.length, 0),
    games: [...found].filter((token) => tokens.has(token)).length,
    ...{ lost, duplicated, wrong, unreadable },
    strange: [...found].filter((token) => !tokens.has(token)),
  }
}

/** Rows of a game against its hits, by sums that the writer does not make. */
function isTrue(game: PlayedGame, podium: readonly Row[]): boolean {
  const sum = (column: string) => podium.reduce((total, row) => total + Number(row[column]), 0)
  const damage = game.hits.reduce((total, hit) => total + hit.enemy_damage, 0)
  return (
    podium.length === game.players.length &&
    sum('rounds') === game.hits.length &&
    sum('damage_delivered') === damage &&
    sum('damage_received') === damage &&
    podium.filter((row) => Number(row.rank) === 1).length >= 1
  )
}

function countRows(rows: readonly Row[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { game_token, user_token } of rows) {
    const seat = `${game_token} ${user_token}`
    counts.set(seat, (counts.get(seat) ?? 0) + 1)
  }
  return counts
}

async function parquetFiles(dir: string): Promise<string[]> {
  const names = await readdir(dir, { recursive: true })
  return names.filter((name) => name.endsWith('.parquet')).sort()
}

async function rowsOf(path: string): Promise<Row[]> {
  const file = new Uint8Array(await readFile(path)).buffer
  return parquetReadObjects({
    file,
    compressors: { ZSTD: (input) => zstdDecompressSync(input), GZIP: (input) => gunzipSync(input) },
  })
}
