import { randomUUID } from 'node:crypto'
import {
  closeSync,
  type FSWatcher,
  mkdirSync,
  openSync,
  unlinkSync,
  watch,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'

/** Descriptors kept for the bells of other sessions. */
const openMax = 256
const one = Buffer.from('.')

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
  #watcher: FSWatcher | null = null

  constructor(dir: string) {
    this.#folder = join(dir, 'bells')
  }

  /** Calls `rung` at every ring, until the returned function is called. */
  listen(rung: () => void): () => void {
    this.#listeners.add(rung)
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
    this.#watcher?.close()
    if (this.#watcher) this.forget(this.name)
    this.#watcher = null
    for (const file of this.#open.values()) closeSync(file)
    this.#open.clear()
  }

  /** Removes the file of a session that is gone. */
  forget(name: string): void {
    try {
      unlinkSync(join(this.#folder, name))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return // a leftover file harms nobody
    }
  }

  #rung(): void {
    for (const rung of [...this.#listeners]) rung()
  }

  #watch(): void {
    if (this.#watcher) return
    mkdirSync(this.#folder, { recursive: true })
    const path = join(this.#folder, this.name)
    writeFileSync(path, '.')
    this.#watcher = watch(path, () => this.#rung())
    // Too many watches on this machine, or the file is gone: the look once a second goes on.
    this.#watcher.on('error', () => undefined)
  }

  #ringOther(name: string): void {
    let file = this.#open.get(name)
    if (file === undefined) {
      try {
        file = openSync(join(this.#folder, name), 'r+')
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
