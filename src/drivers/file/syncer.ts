import { type FileHandle, open } from 'node:fs/promises'

/**
 * Brings what was committed to the disk, in Node's thread pool: the loop is not stopped and the
 * write lock is not held meanwhile. What asks while one is under way shares the next one.
 * Only the log is opened: SQLite has no locks on it that closing a descriptor could give up.
 */
export class Syncer {
  readonly #path: string
  #file: Promise<FileHandle> | null = null
  #running: Promise<void> | null = null
  #next: Promise<void> | null = null

  constructor(databasePath: string) {
    this.#path = `${databasePath}-wal`
  }

  /** Resolves when all that was committed before the call is on the disk. */
  sync(): Promise<void> {
    if (this.#running === null) return this.#start()
    this.#next ??= this.#running.then(
      () => this.#start(),
      () => this.#start(),
    )
    return this.#next
  }

  async close(): Promise<void> {
    while (this.#running !== null) {
      await this.#running.catch(() => undefined) // whoever asked for it was told
    }
    const file = await this.#file
    this.#file = null
    await file?.close()
  }

  #start(): Promise<void> {
    this.#next = null
    const run = this.#sync().finally(() => {
      if (this.#running === run) this.#running = null
    })
    this.#running = run
    return run
  }

  async #sync(): Promise<void> {
    this.#file ??= open(this.#path, 'r')
    await (await this.#file).datasync()
  }
}
