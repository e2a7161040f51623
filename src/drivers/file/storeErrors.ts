import { type ErrorCode, NarrowcastError } from '../../core/errors.ts'
import { freeBytes, inMebibytes, mebibyte } from './freeBytes.ts'
import { lockHolder } from './lockHolder.ts'

/** The longest wait for the write lock: others have it for milliseconds. */
export const lockMsMax = 10_000

/** Primary result codes of SQLite. */
const primary = {
  busy: 5,
  readOnly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cantOpen: 14,
  notADatabase: 26,
} as const

function primaryCode(error: unknown): number | null {
  const { errcode } = (error ?? {}) as { errcode?: unknown }
  return typeof errcode === 'number' ? errcode & 0xff : null
}

export function isBusy(error: unknown): boolean {
  return primaryCode(error) === primary.busy
}

/** Damage and a vanished disk end a session; a full disk or a refused value do not. */
export function endsSession(error: NarrowcastError): boolean {
  return error.code === 'STORE_UNUSABLE' || error.code === 'CONNECTION_LOST'
}

export function storeError(
  code: ErrorCode,
  operation: string,
  text: string,
  hint: string | null = null,
  cause?: unknown,
): NarrowcastError {
  return new NarrowcastError(code, `file: ${operation}: ${text}`, {
    driver: 'file',
    operation,
    ...(hint === null ? {} : { hint }),
    ...(cause === undefined ? {} : { cause }),
  })
}

export function closedError(operation: string): NarrowcastError {
  return storeError('CLOSED', operation, 'the session was closed')
}

/** What an error of SQLite means for us; `path` is the database file. */
export function asStoreError(error: unknown, operation: string, path: string): NarrowcastError {
  if (error instanceof NarrowcastError) return error
  const text = error instanceof Error ? error.message : String(error)
  switch (primaryCode(error)) {
    case primary.full:
      return diskFull(operation, path, error)
    case primary.ioError:
      if (hasNoSpace(path)) return diskFull(operation, path, error)
      return storeError(
        'STORE_UNUSABLE',
        operation,
        `the disk under ${path} failed: ${text}`,
        'Look at the system log for errors of this disk. The store was left as it is.',
        error,
      )
    case primary.corrupt:
    case primary.notADatabase:
      return damaged(operation, path, text, error)
    case primary.readOnly:
      return storeError(
        'STORE_UNUSABLE',
        operation,
        `${path} cannot be written: ${text}`,
        'Give this user the right to write the folder and the files in it, or choose another folder.',
        error,
      )
    case primary.cantOpen:
      return storeError(
        'STORE_UNUSABLE',
        operation,
        `${path} cannot be opened: ${text}`,
        'The file and its folder must exist and be writable for this user.',
        error,
      )
    case primary.busy:
      return lockedError('UNAVAILABLE', operation, path, error)
    default:
      return storeError('INTERNAL', operation, text, null, error)
  }
}

/** Somebody has the write lock and does not give it back. Nothing was changed. */
export function lockedError(
  code: ErrorCode,
  operation: string,
  path: string,
  cause?: unknown,
): NarrowcastError {
  const holder = lockHolder(path)
  const who = holder === null ? '' : ` (process ${holder})`
  return new NarrowcastError(
    code,
    `file: ${operation}: ${path} is locked by another program${who}, which holds the write lock`,
    {
      driver: 'file',
      operation,
      definite: true,
      hint: `A program that was stopped keeps its lock: end it, or let it go on with kill -CONT ${holder ?? 'PID'}.`,
      ...(cause === undefined ? {} : { cause }),
    },
  )
}

/**
 * A signal has ended the waiting for a transaction, so nothing was changed. Only a caller's own is
 * an abort: a limit of ours says what it is.
 */
export function notBegun(
  operation: string,
  path: string,
  signal: AbortSignal,
  isLocked: boolean,
): NarrowcastError {
  const reason: unknown = signal.reason
  if (reason instanceof NarrowcastError && isLocked) {
    return lockedError(reason.code, operation, path, reason)
  }
  const code = reason instanceof NarrowcastError ? reason.code : 'ABORTED'
  const what = isLocked ? 'aborted while waiting for the lock' : 'ended before it had begun'
  const why = reason instanceof Error ? reason.message : String(reason)
  return new NarrowcastError(code, `file: ${operation}: ${what}: ${why}`, {
    driver: 'file',
    operation,
    definite: true,
    cause: reason,
  })
}

export function damaged(
  operation: string,
  path: string,
  text: string,
  cause?: unknown,
): NarrowcastError {
  return storeError(
    'STORE_UNUSABLE',
    operation,
    `${path} is damaged: ${text}`,
    `Nothing was changed. Stop all programs that use it, copy the folder, then try: sqlite3 ${path} ".recover" | sqlite3 rescued.db`,
    cause,
  )
}

function diskFull(operation: string, path: string, cause: unknown): NarrowcastError {
  return storeError(
    'DISK_FULL',
    operation,
    `no space is left on the disk of ${path}: ${inMebibytes(freeBytes(path))} are free; nothing of it was stored`,
    'Free at least 16 MiB; the store goes on by itself. Other programs filled this disk: the store keeps 4 MiB free and has a reserve of 8 MiB, which is used up.',
    cause,
  )
}

function hasNoSpace(path: string): boolean {
  return freeBytes(path) < mebibyte
}
