import type { Column, TableSchema } from '../schema/columnTypes.ts'
import { compareColumns } from '../schema/compare.ts'
import type { Manifest } from './manifest.ts'

/**
 * The version of a table that these columns belong to. Columns that cannot be read together with
 * what is there start a new one, in a folder of its own (`v=2`). A program with fewer optional
 * columns, as one that was put back to an older release, goes on in the version that has more.
 */
export async function tableVersion(manifest: Manifest, table: TableSchema): Promise<number> {
  for (;;) {
    const version = await tryVersion(manifest, table)
    if (version !== null) return version
  }
}

/** @returns null when another process has changed what was read. */
async function tryVersion(manifest: Manifest, table: TableSchema): Promise<number | null> {
  const versions = await manifest.call('versions', table.name)
  const text = JSON.stringify(table.columns)
  for (const { version, columns } of versions) {
    const before = JSON.parse(columns) as Column[]
    const { state } = compareColumns(before, table.columns)
    if (state === 'same' || compareColumns(table.columns, before).state === 'extended') {
      return version
    }
    if (state === 'changed') continue
    const isPut = await manifest.call('putVersion', table.name, version, text, columns)
    return isPut ? version : null
  }
  const version = (versions[0]?.version ?? 0) + 1
  const isPut = await manifest.call('putVersion', table.name, version, text, null)
  return isPut ? version : null
}
