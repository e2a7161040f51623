import { dirname, join, relative } from 'node:path'
import { NarrowcastError } from '../../core/errors.ts'
import { type Disk, diskTrouble } from '../disk.ts'

/** A file at its temporary name, and where it belongs; both relative to the root. */
export interface Move {
  readonly temp: string
  readonly path: string
}

/**
 * Brings committed files to their final names and syncs every folder that has a new name: first the
 * parents of new folders, because a disk may keep a rename and lose the folder that it leads into. A
 * file that is there already was moved by whoever came before: the same again is fine. `days` are
 * folders whose parents this process has synced before; another worker may have made a folder, and
 * not synced its name yet.
 * @throws LAKE_DAMAGED where a file is neither here nor there, or where the name is taken by
 * another file; then nothing of the commit may be settled.
 */
export async function place(
  disk: Disk,
  root: string,
  moves: readonly Move[],
  days: Set<string> = new Set(),
): Promise<void> {
  const folders = new Set(moves.map(({ path }) => dirname(join(root, path))))
  const newDays = await makeDays(disk, root, folders, days)
  await syncAll(disk, new Set(newDays.flatMap((day) => parentsOf(root, day))))
  for (const { temp, path } of moves) {
    try {
      await moveOnce(disk, join(root, temp), join(root, path))
    } catch (error) {
      throw diskTrouble(`cannot bring ${path} into place`, error)
    }
  }
  await syncAll(disk, folders)
  for (const day of newDays) days.add(day)
}

/** @returns those whose parents are to be synced. */
async function makeDays(
  disk: Disk,
  root: string,
  folders: ReadonlySet<string>,
  days: ReadonlySet<string>,
): Promise<string[]> {
  const found: string[] = []
  for (const day of folders) {
    try {
      const made = await disk.makeFolder(root, day)
      if (made.length > 0 || !days.has(day)) found.push(day)
    } catch (error) {
      throw diskTrouble(`cannot make ${day}`, error)
    }
  }
  return found
}

async function syncAll(disk: Disk, folders: Iterable<string>): Promise<void> {
  for (const folder of folders) {
    await disk.syncFolder(folder).catch((error: unknown) => {
      throw diskTrouble(`cannot sync ${folder}`, error)
    })
  }
}

/** Of a folder under the root, up to the root. */
function parentsOf(root: string, folder: string): string[] {
  const parents: string[] = []
  for (let at = folder; relative(root, at) !== ''; ) {
    at = dirname(at)
    parents.push(at)
  }
  return parents
}

async function moveOnce(disk: Disk, from: string, to: string): Promise<void> {
  // In this order: what is moved between the two looks is then in neither place, never in both.
  const isThere = await disk.exists(to)
  const isHere = await disk.exists(from)
  if (isHere && isThere) {
    throw new NarrowcastError(
      'LAKE_DAMAGED',
      `${to} is there, and ${from} is to take its name; nothing is ever overwritten`,
      { hint: 'Compare the two files, move the foreign one away, and start again.' },
    )
  }
  if (isThere) return
  if (isHere) {
    try {
      await disk.rename(from, to)
      return
    } catch (error) {
      if (!(await wasMoved(disk, to, error))) throw error
      return
    }
  }
  if (await disk.exists(to)) return // moved by another process between the two looks
  throw new NarrowcastError(
    'LAKE_DAMAGED',
    `a commit names ${to}, and it is neither there nor at ${from}`,
    { hint: 'Put the file back from a copy, or see: narrowcast ingest verify.' },
  )
}

/** Two may place the same file at once, after a take-over; the second finds no source. */
async function wasMoved(disk: Disk, to: string, error: unknown): Promise<boolean> {
  return (error as NodeJS.ErrnoException).code === 'ENOENT' && (await disk.exists(to))
}
