import { randomUUID } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  unlink,
  unwatchFile,
  watch,
  watchFile,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { storeError } from './storeErrors.ts'

/** Descriptors kept for the bells of other sessions. */
const openMax = 256
const one = Buffer.from('.')
/** Where the system gives no watch. */
const pollMs = 20

/**
 * Wakes the readers of other processes. Each session has a file, its bell; who brings work for a
 * waiting reader writes a byte into it, and the reader's process watches it. Nobody polls, and
 * nothing is written while nobody waits. A ring that gets lost is covered by the look that every
 * waiting reader takes once a second.
 */
export class Bells {
  /** Name of our own bell. */
  readonly name = randomUUID()
  readonly #folder: string
  readonly #open = new Map<string, number>()
  readonly #listeners = new Set<() => void>()
  #stopWatching: (() => void) | null = null

  constructor(dir: string) {
    this.#folder = join(dir, 'bells')
    mkdirSync(this.#folder, { recursive: true })
  }

  /** Calls `rung` at every ring, until the returned function is called. */
  listen(rung: () => void): () => void {
    this.#listeners.add(rung)
    if (this.#stopWatching && !existsSync(this.#path(this.name))) this.#endWatching()
    this.#watch()
    return () => this.#listeners.delete(rung)
  }

  /** After the commit that brought the work. */
  ring(names: Iterable<string>): void {
    for (const name of new Set(names)) {
      if (name === this.name) this.#rung()
      else this.#ringOther(name)
    }
  }

  close(): void {
    if (this.#stopWatching) this.forget(this.name)
    this.#endWatching()
    for (const file of this.#open.values()) closeSync(file)
    this.#open.clear()
  }

  /** The bells that nobody has rung, and no session has made, for so long. */
  async silent(ms: number): Promise<string[]> {
    // Without the folder the session ends by its own look.
    const names = await readdir(this.#folder).catch(() => [])
    const silent: string[] = []
    for (const name of names) {
      const found = await stat(this.#path(name)).catch(() => null) // closed meanwhile
      if (found && Date.now() - found.mtimeMs > ms) silent.push(name)
    }
    return silent
  }

  /** Removes the file of a session that is gone. One that is not makes it anew when it listens. */
  forget(name: string): void {
    unlink(this.#path(name), () => undefined) // a file that is left harms nobody
  }

  #path(name: string): string {
    return join(this.#folder, name)
  }

  #rung(): void {
    for (const rung of [...this.#listeners]) rung()
  }

  #watch(): void {
    if (this.#stopWatching) return
    const path = this.#path(this.name)
    const rung = () => this.#rung()
    try {
      writeFileSync(path, '.')
      const watcher = watch(path, rung)
      // The file was removed, and the folder with it: the session ends by its own look.
      watcher.on('error', () => undefined)
      this.#stopWatching = () => watcher.close()
    } catch (error) {
      if (!isExhausted(error)) {
        const text = `${path} cannot be watched: ${(error as Error).message}`
        throw storeError('STORE_UNUSABLE', 'receive', text, null, error)
      }
      // No more watches for this user, or no space for the file: then its state is asked for.
      watchFile(path, { interval: pollMs }, rung)
      this.#stopWatching = () => unwatchFile(path, rung)
    }
  }

  #endWatching(): void {
    this.#stopWatching?.()
    this.#stopWatching = null
  }

  #ringOther(name: string): void {
    let file = this.#open.get(name)
    if (file !== undefined && fstatSync(file).nlink === 0) {
      closeSync(file) // it was forgotten, and may have been made anew
      this.#open.delete(name)
      file = undefined
    }
    if (file === undefined) {
      try {
        file = openSync(this.#path(name), 'r+')
      } catch {
        return // that session has closed meanwhile
      }
      if (this.#open.size >= openMax) this.#closeOldest()
      this.#open.set(name, file)
    }
    writeSync(file, one, 0, 1, 0)
  }

  #closeOldest(): void {
    const [oldest] = this.#open
    if (!oldest) return
    closeSync(oldest[1])
    this.#open.delete(oldest[0])
  }
}

function isExhausted(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'EMFILE' || code === 'ENFILE' || code === 'ENOSPC'
}
