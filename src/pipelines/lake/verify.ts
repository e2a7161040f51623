import { readdir, stat } from 'node:fs/promises'
import { join, relative, resolve, sep } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { NarrowcastError } from '../../core/errors.ts'
import { countRows } from './countRows.ts'
import { lakeFile, manifestFile, ownerOfTemp, tempFolder } from './layout.ts'
import { manifestError } from './manifestErrors.ts'
import { manifestFormat } from './manifestSchema.ts'

/** What a lake holds, and where the folder differs from its manifest. */
export interface Verified {
  /** Every file that a commit names is in place and whole, and there is no other. */
  readonly isClean: boolean
  readonly commits: number
  /** Messages that landed, dead letters included. */
  readonly messages: number
  readonly dead: number
  readonly files: number
  readonly bytes: number
  /** Per table, counted from the files. */
  readonly rows: Readonly<Record<string, number>>
  /** Named by a commit, and nowhere. */
  readonly missing: readonly string[]
  /** Another size or number of rows than the commit says, or not readable. */
  readonly changed: readonly { readonly path: string; readonly what: string }[]
  /** Committed and still under the temporary name; the next worker to start moves them. */
  readonly unpublished: readonly string[]
  /** Files of dead letters that somebody has taken out of `_dead`: no damage. */
  readonly taken: readonly string[]
  /** In the folder, and named by no commit and no live worker. */
  readonly orphans: readonly string[]
}

interface Row {
  readonly path: string
  readonly kind: string
  /** Dead letters that were in place: they are people's to take away. */
  readonly isTakeable: boolean
  readonly table: string
  readonly temp: string
  readonly rows: number
  readonly bytes: number
}

/**
 * Compares a lake with its manifest, by reading every file. Changes nothing; workers may go on.
 * @throws NOT_FOUND where there is no lake, STORE_UNUSABLE where its manifest is damaged.
 */
export async function verify(dir: string): Promise<Verified> {
  const root = resolve(dir)
  // First the folder, then the manifest: what comes to be in between is named there.
  const there = await listFiles(root)
  const { rows, owners, totals } = readManifest(root)
  const taken: string[] = []
  const found = { missing: [] as string[], changed: [] as Verified['changed'][number][] }
  const perTable: Record<string, number> = {}
  const unpublished: string[] = []
  let bytes = 0
  for (const row of rows) {
    const state = await compare(root, row)
    if (state.what !== null) found.changed.push({ path: row.path, what: state.what })
    if (state.at === null) (row.isTakeable ? taken : found.missing).push(row.path)
    if (state.at === row.temp) unpublished.push(row.path)
    bytes += state.bytes
    if (row.kind === 'data') perTable[row.table] = (perTable[row.table] ?? 0) + state.rows
  }
  const named = new Set(rows.flatMap(({ path, temp }) => [path, temp]))
  const orphans = there.filter((path) => !named.has(path) && !isOfLiveWorker(path, owners))
  const wrong = found.missing.length + found.changed.length + unpublished.length + orphans.length
  return {
    isClean: wrong === 0,
    ...totals,
    files: rows.length,
    bytes,
    rows: perTable,
    ...found,
    unpublished,
    taken,
    orphans: orphans.sort(),
  }
}

async function compare(
  root: string,
  { path, temp, rows, bytes }: Row,
): Promise<{ at: string | null; rows: number; bytes: number; what: string | null }> {
  // The place again: a worker may move the file between the looks at the two.
  for (const at of [path, temp, path]) {
    const size = await sizeOf(join(root, at))
    if (size === null) continue
    try {
      const counted = (await countRows(join(root, at), path)) ?? rows
      const what =
        counted !== rows
          ? `${counted} rows, the commit says ${rows}`
          : size !== bytes
            ? `${size} bytes, the commit says ${bytes}`
            : null
      return { at, rows: counted, bytes: size, what }
    } catch (error) {
      if (at === temp && (await sizeOf(join(root, at))) === null) continue
      return { at, rows: 0, bytes: size, what: `not readable: ${(error as Error).message}` }
    }
  }
  return { at: null, rows: 0, bytes: 0, what: null }
}

async function sizeOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

async function listFiles(root: string): Promise<string[]> {
  let entries: Awaited<ReturnType<typeof readAll>>
  try {
    entries = await readAll(root)
  } catch (cause) {
    throw new NarrowcastError('NOT_FOUND', `${root}: no folder there`, { cause })
  }
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
  if (!files.includes(lakeFile)) {
    const hint = 'A lake is made by: narrowcast ingest FILE --dir DIR.'
    throw new NarrowcastError('NOT_FOUND', `${root} is no lake: it has no ${lakeFile}`, { hint })
  }
  if (!files.includes(manifestFile)) {
    const hint = 'Put it back from a copy; without it nobody knows what has landed.'
    throw new NarrowcastError('LAKE_DAMAGED', `${root}/${manifestFile} is gone`, { hint })
  }
  return files.filter((path) => path !== lakeFile && !path.startsWith(manifestFile))
}

function readAll(root: string) {
  return readdir(root, { recursive: true, withFileTypes: true })
}

function isOfLiveWorker(path: string, owners: ReadonlySet<string>): boolean {
  if (!path.startsWith(`${tempFolder}/`)) return false
  const owner = ownerOfTemp(path.slice(tempFolder.length + 1))
  return owner !== null && owners.has(owner)
}

/** One look, and closed again: no reader keeps the manifest open. */
function readManifest(root: string) {
  const path = join(root, manifestFile)
  try {
    const db = new DatabaseSync(path, { readOnly: true, timeout: 10_000 })
    try {
      return looked(db, path)
    } finally {
      db.close()
    }
  } catch (error) {
    throw manifestError(path, error)
  }
}

function looked(db: DatabaseSync, path: string) {
  const format = Number(db.prepare('PRAGMA user_version').get()?.user_version)
  if (format !== manifestFormat) {
    const text = `${path}: the manifest has format ${format}, this program knows ${manifestFormat}`
    throw new NarrowcastError('STORE_UNUSABLE', text)
  }
  db.exec('BEGIN')
  const damage = db.prepare('PRAGMA quick_check(1)').get()?.quick_check
  if (damage !== 'ok') {
    throw new NarrowcastError('STORE_UNUSABLE', `${path}: the manifest is damaged: ${damage}`)
  }
  const rows = (
    db
      .prepare('SELECT path, kind, state, tableName AS "table", temp, rows, bytes FROM files')
      .all() as unknown as (Omit<Row, 'isTakeable'> & { state: string })[]
  ).map((row) => ({ ...row, isTakeable: row.kind !== 'data' && row.state === 'published' }))
  const owners = new Set(
    db
      .prepare('SELECT owner FROM slots')
      .all()
      .map(({ owner }) => String(owner)),
  )
  const sums = db
    .prepare('SELECT count(*) AS n, total(messages) AS messages, total(dead) AS dead FROM commits')
    .get()
  const totals = {
    commits: Number(sums?.n),
    messages: Number(sums?.messages),
    dead: Number(sums?.dead),
  }
  return { rows, owners, totals }
}
