import { constants, existsSync } from 'node:fs'
import { access, link, mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { type ErrorDetails, NarrowcastError } from '../core/errors.ts'

/** fsync: survives a power cut. os: survives kill -9 of every process, not a power cut. */
export type Durability = 'fsync' | 'os'

/** The few deeds of a file system that the sinks build on, so that a test can let one fail. */
export interface Disk {
  /** The bytes of a closed file have reached the device. A file whose sync failed is lost. */
  sync(path: string): Promise<void>
  /** The names in a folder have reached the device. */
  syncFolder(path: string): Promise<void>
  exists(path: string): Promise<boolean>
  rename(from: string, to: string): Promise<void>
  /** A second name for a file; rejects with EEXIST where the name is taken. */
  link(from: string, to: string): Promise<void>
  /** Nothing happens where there is no such file. */
  remove(path: string): Promise<void>
  /** Makes a folder and its parents under `root`. @returns the folders whose names are new. */
  makeFolder(root: string, path: string): Promise<string[]>
}

/** Windows has no way to sync a folder: there the claim covers crashes of the process only. */
const hasFolderSync = process.platform !== 'win32'

export function disk(durability: Durability): Disk {
  const syncPath = async (path: string, flags: number, isFolder: boolean) => {
    if (durability === 'os') return
    const file = await open(path, flags)
    try {
      await (isFolder ? file.sync() : file.datasync())
    } finally {
      await file.close()
    }
  }
  return {
    sync: (path) => syncPath(path, constants.O_RDWR, false),
    syncFolder: async (path) => {
      if (hasFolderSync) await syncPath(path, constants.O_RDONLY, true)
    },
    exists: (path) =>
      access(path).then(
        () => true,
        (error: unknown) => {
          if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return false
          throw error
        },
      ),
    rename,
    link,
    remove: (path) => rm(path, { force: true }),
    async makeFolder(root, path) {
      const first = await mkdir(path, { recursive: true }).catch((error: unknown) =>
        retold(path, error),
      )
      if (first === undefined) return []
      // mkdir names the topmost folder that it made; its parent holds the new name.
      const made: string[] = []
      for (let folder = path; ; folder = dirname(folder)) {
        made.push(folder)
        if (folder === first || relative(root, folder) === '') return made
      }
    },
  }
}

/**
 * On a read-only disk `mkdir` with `recursive` says that the parent is not there. Making the topmost
 * folder alone tells the real reason.
 */
async function retold(path: string, error: unknown): Promise<never> {
  if (errnoOf(error) !== 'ENOENT') throw error
  let top = path
  while (dirname(top) !== top && !existsSync(dirname(top))) top = dirname(top)
  await mkdir(top)
  throw error
}

/** The code that the system gives an error of its own, such as ENOSPC; null for any other error. */
export function errnoOf(error: unknown): string | null {
  const found = error as { code?: unknown; errno?: unknown; syscall?: unknown } | null
  const isOurs = typeof found?.code === 'string' && /^E[A-Z0-9]+$/.test(found.code)
  return isOurs && (found?.errno !== undefined || found?.syscall !== undefined)
    ? (found?.code as string)
    : null
}

const fullDisk = ['ENOSPC', 'EDQUOT']

/** An error of the system as ours: never a message's fault, so the work stops and is given back. */
export function diskTrouble(what: string, error: unknown): NarrowcastError {
  if (error instanceof NarrowcastError) return error
  const code = errnoOf(error)
  const isFull = code !== null && fullDisk.includes(code)
  const isReadOnly = code === 'EROFS'
  const details: ErrorDetails = {
    cause: error,
    hint: isFull
      ? 'Make room, then start again: what was not settled comes again, nothing is lost.'
      : `${isReadOnly ? 'Mount it for writing, or take another folder' : 'Mend the disk or the rights'}, then start again: what was not settled comes again.`,
  }
  const why = isReadOnly ? 'the disk is read-only: ' : ''
  const text = `${what}: ${why}${error instanceof Error ? error.message : String(error)}`
  if (code === null) return new NarrowcastError('INTERNAL', text, { cause: error })
  return new NarrowcastError(isFull ? 'DISK_FULL' : 'STORE_UNUSABLE', text, details)
}

/** `root` joined with a relative path that came from names. @throws INVALID_ARGUMENT outside it. */
export function inside(root: string, path: string): string {
  const full = join(root, path)
  const way = relative(root, full)
  if (way !== '' && way !== '..' && !way.startsWith(`..${sep}`)) return full
  throw new NarrowcastError(
    'INVALID_ARGUMENT',
    `${root}: the path ${JSON.stringify(path)} leaves the folder`,
  )
}
