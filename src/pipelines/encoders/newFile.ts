import { type FileHandle, open, rm } from 'node:fs/promises'
import { type ErrorCode, NarrowcastError } from '../../core/errors.ts'
import type { Durability } from '../disk.ts'

const codes: Readonly<Record<string, ErrorCode>> = {
  ENOSPC: 'DISK_FULL',
  EDQUOT: 'DISK_FULL',
  EMFILE: 'UNAVAILABLE',
  ENFILE: 'UNAVAILABLE',
}

/** Trouble of the disk, never of a row. */
function diskError(path: string, what: string, cause: unknown): NarrowcastError {
  const system = (cause as NodeJS.ErrnoException).code ?? ''
  return new NarrowcastError(
    codes[system] ?? 'STORE_UNUSABLE',
    `${what} ${path} failed: ${(cause as Error).message}`,
    { operation: what, cause },
  )
}

/**
 * A file that is written once, front to back, and is either whole or gone. Every failing call
 * rejects with DISK_FULL, UNAVAILABLE or STORE_UNUSABLE.
 */
export class NewFile {
  readonly path: string
  readonly #handle: FileHandle
  bytes = 0
  #isOpen = true

  private constructor(path: string, handle: FileHandle) {
    this.path = path
    this.#handle = handle
  }

  /** The file must not exist: nothing is ever overwritten. */
  static async create(path: string): Promise<NewFile> {
    try {
      return new NewFile(path, await open(path, 'wx'))
    } catch (cause) {
      throw diskError(path, 'open', cause)
    }
  }

  /** `bytes` may be used again when it resolves. */
  async write(bytes: Uint8Array): Promise<void> {
    try {
      let from = 0
      while (from < bytes.length) {
        const { bytesWritten } = await this.#handle.write(bytes, from, bytes.length - from)
        from += bytesWritten
      }
    } catch (cause) {
      throw diskError(this.path, 'write', cause)
    }
    this.bytes += bytes.length
  }

  async finish(durability: Durability): Promise<void> {
    try {
      if (durability === 'fsync') await this.#handle.datasync()
    } catch (cause) {
      throw diskError(this.path, 'sync', cause)
    }
    this.#isOpen = false
    try {
      await this.#handle.close()
    } catch (cause) {
      throw diskError(this.path, 'close', cause)
    }
  }

  /** Closes and deletes. */
  async discard(): Promise<void> {
    try {
      if (this.#isOpen) {
        this.#isOpen = false
        await this.#handle.close()
      }
      await rm(this.path, { force: true })
    } catch (cause) {
      throw diskError(this.path, 'delete', cause)
    }
  }
}
