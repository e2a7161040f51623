import { existsSync, readFileSync } from 'node:fs'
import { opendir } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { NarrowcastError } from '../../core/errors.ts'
import { markNames } from '../../pipelines/defineTable.ts'
import { diskTrouble } from '../../pipelines/disk.ts'
import type { Pipeline } from '../../pipelines/index.ts'
import { checkLakeFormat } from '../../pipelines/lake/lakeFormat.ts'
import { lakeFile, manifestFile } from '../../pipelines/lake/layout.ts'
import { manifestError } from '../../pipelines/lake/manifestErrors.ts'
import type { Column } from '../../pipelines/schema/columnTypes.ts'
import { compareColumns } from '../../pipelines/schema/compare.ts'

const endings = ['.parquet', '.ndjson.zst', '.ndjson.gz', '.ndjson']

/**
 * The file that says what the folder is, as the next worker to start will want it.
 * @throws STORE_UNUSABLE where it is broken or newer, LAKE_DAMAGED where it alone is gone.
 */
export function checkLakeFile(root: string): void {
  const path = join(root, lakeFile)
  if (!existsSync(path)) {
    if (!existsSync(join(root, manifestFile))) return // no lake at all: told by who opens it
    throw new NarrowcastError('LAKE_DAMAGED', `${path} is gone, and ${manifestFile} is there`, {
      hint: 'The next narrowcast ingest with this --dir writes it anew.',
    })
  }
  checkLakeFormat(path, read(path))
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw diskTrouble(`cannot read ${path}`, error)
  }
}

export interface Landing {
  readonly root: string
  /** The end of the names of the files that will be written. */
  readonly extension: string
  readonly isPerKey: boolean
  readonly tables: Pipeline['tables']
}

/**
 * One folder has one layout and one format: who reads it by a pattern of names would else see half
 * of it, and a key could get a second file.
 * @returns what is worth a word: tables whose rows will go to a folder of their own.
 * @throws CONFLICT, saying what is there and what was asked for.
 */
export async function checkLanding(landing: Landing): Promise<string[]> {
  const { root, extension, isPerKey, tables } = landing
  const isLake = existsSync(join(root, manifestFile))
  if (isLake && isPerKey) {
    throw conflict(root, 'is a lake of datasets, --layout says per-key')
  }
  const lake = isLake ? readManifest(root, extension) : null
  if (lake?.other) throw conflict(root, `holds ${lake.other}, this would write *${extension}`)
  for (const { name } of tables) {
    const found = await fileOfKey(join(root, name), isPerKey ? extension : null)
    if (found === null) continue
    const what = `holds ${name}/${found}`
    if (isPerKey) throw conflict(root, `${what}, this would write *${extension}`)
    throw conflict(root, `${what}, a file per key; --layout says dataset`)
  }
  return tables.flatMap((table) => changeOf(table, lake?.versions ?? []) ?? [])
}

function conflict(root: string, what: string): NarrowcastError {
  return new NarrowcastError('CONFLICT', `${root} ${what}`, {
    hint: 'Take --to and --layout as they were, or another folder: --dir',
  })
}

interface Version {
  readonly name: string
  readonly version: number
  readonly columns: readonly Column[]
}

/** A file with another ending, and the columns of every table, newest first. */
function readManifest(root: string, extension: string) {
  const path = join(root, manifestFile)
  try {
    const db = new DatabaseSync(path, { readOnly: true, timeout: 10_000 })
    try {
      const isMade = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'tables'").get()
      if (!isMade) return null // another worker begins it this very moment: nothing has landed
      const files = `SELECT path FROM files WHERE kind = 'data' AND substr(path, -length(?1)) <> ?1`
      const other = db.prepare(`${files} LIMIT 1`).get(extension)?.path ?? null
      const tables = 'SELECT name, version, columns FROM tables ORDER BY version DESC'
      const versions = db.prepare(tables).all().map(versionOf)
      return { other, versions }
    } finally {
      db.close()
    }
  } catch (error) {
    throw manifestError(path, error)
  }
}

function versionOf({ name, version, columns }: Record<string, unknown>): Version {
  const all = JSON.parse(String(columns)) as Column[]
  return { name: String(name), version: Number(version), columns: withoutMarks(all) }
}

function withoutMarks(columns: readonly Column[]): Column[] {
  return columns.filter(({ name }) => !markNames.includes(name))
}

/** In words, where none of the versions of the table can take these columns. */
function changeOf(
  { name, columns }: Pipeline['tables'][number],
  all: readonly Version[],
): string | null {
  const versions = all.filter((one) => one.name === name)
  const now = withoutMarks(columns)
  const fits = (before: readonly Column[]) =>
    compareColumns(before, now).state !== 'changed' ||
    compareColumns(now, before).state === 'extended'
  const [newest] = versions
  if (!newest || versions.some((one) => fits(one.columns))) return null
  const compared = compareColumns(newest.columns, now)
  const what = compared.state === 'changed' ? compared.what.join(', ') : ''
  return `table ${name} has other columns than before (${what}): its rows go to ${name}/v=${newest.version + 1}`
}

/** A data file right in the folder of a table, unless it has the ending that is right. */
async function fileOfKey(folder: string, right: string | null): Promise<string | null> {
  if (!existsSync(folder)) return null
  for await (const entry of await opendir(folder)) {
    const ending = endings.find((one) => entry.name.endsWith(one))
    if (entry.isFile() && ending !== undefined && ending !== right) return entry.name
  }
  return null
}
