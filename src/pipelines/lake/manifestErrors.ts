import { NarrowcastError } from '../../core/errors.ts'

/** Primary result codes of SQLite; the numbers are part of its API. */
const results = { busy: 5, readOnly: 8, io: 10, corrupt: 11, full: 13, cantOpen: 14, notADb: 26 }

function resultOf(error: unknown): number | null {
  const code = (error as { errcode?: unknown } | null)?.errcode
  return typeof code === 'number' ? code & 0xff : null
}

export function isBusy(error: unknown): boolean {
  return resultOf(error) === results.busy
}

/** An error of the manifest's database as ours, with what to do next. */
export function manifestError(path: string, error: unknown): NarrowcastError {
  if (error instanceof NarrowcastError) return error
  const text = error instanceof Error ? error.message : String(error)
  const make = (
    code: 'STORE_UNUSABLE' | 'DISK_FULL' | 'INTERNAL' | 'BUSY',
    why: string,
    hint: string,
  ) => new NarrowcastError(code, `${path}: ${why}: ${text}`, { cause: error, hint })
  switch (resultOf(error)) {
    case results.busy:
      return make('BUSY', 'the manifest is locked by another process', 'It is tried again.')
    case results.full:
      return make('DISK_FULL', 'no space for the manifest', 'Make room, then start again.')
    case results.corrupt:
    case results.notADb:
      return make(
        'STORE_UNUSABLE',
        'the manifest is damaged, nothing was changed',
        'Put back a copy of _manifest.sqlite with its -wal file, or start a new folder. The data files are as they were.',
      )
    case results.readOnly:
    case results.io:
    case results.cantOpen:
      return make(
        'STORE_UNUSABLE',
        'the manifest cannot be used',
        'Look at the rights and the disk.',
      )
    default:
      return make('INTERNAL', 'the manifest refused', 'Please report it.')
  }
}
