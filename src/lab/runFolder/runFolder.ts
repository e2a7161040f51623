import { appendFileSync } from 'node:fs'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { NarrowcastError } from '../../core/errors.ts'
import { makeFolder } from '../../core/makeFolder.ts'
import type { Pattern } from '../../core/message.ts'
import { errnoOf } from '../../pipelines/disk.ts'
import { eventsFile } from './evidenceLines.ts'
import { LedgerPlace, ledgersName } from './ledgerPlace.ts'

/** What the folder of a run is called after. */
export interface RunName {
  readonly startedMs: number
  readonly scenario: string
  readonly backend: string
  /** One that is not the default stands after the backend. */
  readonly profile: string
  readonly pattern: Pattern
  readonly seed: number
}

const sameSecondMax = 1_000
/** Of ledger for each message and each of its readers: more than its records take. */
const bytesPerReading = 256

/** The folder of one run, which nobody else may read. Its files are written as the run goes on. */
export class RunFolder {
  readonly path: string
  /** `2026-11-20T12-10-07-worker-kill-redis-stream-queue-s7` */
  readonly id: string
  readonly #ledgers: LedgerPlace
  #finished: Promise<void> | null = null

  /**
   * `runs`: holds the folders of all runs. `readings`: messages times those who each read all of them.
   * @throws DISK_FULL where there is not enough room for ledgers; INVALID_CONFIG where nothing can be
   * written.
   */
  static async begin(runs: string, name: RunName, readings: number): Promise<RunFolder> {
    try {
      makeFolder(runs, 0o700)
      const path = await firstFree(join(runs, nameOf(name)))
      return new RunFolder(path, await placeFor(path, readings * bytesPerReading))
    } catch (cause) {
      if (cause instanceof NarrowcastError) throw cause
      const text = `lab: cannot write in ${runs}: ${(cause as Error).message}`
      throw new NarrowcastError('INVALID_CONFIG', text, { cause })
    }
  }

  private constructor(path: string, ledgers: LedgerPlace) {
    this.path = path
    this.id = basename(path)
    this.#ledgers = ledgers
  }

  /** Where they are written, whichever disk that is. */
  get ledgers(): string {
    return join(this.path, ledgersName)
  }

  /** Whole or not at all. @throws DISK_FULL */
  async write(file: string, text: string): Promise<void> {
    const path = join(this.path, file)
    try {
      await writeFile(path, text, { mode: 0o600 })
    } catch (error) {
      await rm(path, { force: true })
      if (errnoOf(error) !== 'ENOSPC' && errnoOf(error) !== 'EDQUOT') throw error
      throw new NarrowcastError('DISK_FULL', `lab: no room for ${path}`, {
        ...{ operation: 'keep a run', cause: error },
        hint: 'Make room, then run it again: a run without its report has no verdict.',
      })
    }
  }

  /** One more line, before anything else happens. */
  append(file: string, line: string): void {
    appendFileSync(join(this.path, file), `${line}\n`, { mode: 0o600 })
  }

  /** The ledgers lie in it, wherever they were written. Twice is fine. */
  async finish(): Promise<void> {
    this.#finished ??= this.#ledgers.bringHome()
    await this.#finished
  }

  /** Actors have begun to write, or something was done to one. */
  async hasEvidence(): Promise<boolean> {
    const [names, ledgers] = await Promise.all([readdir(this.path), readdir(this.ledgers)])
    return ledgers.length > 0 || names.includes(eventsFile)
  }

  /** Takes the folder of a run away that never began. */
  async remove(): Promise<void> {
    await this.finish()
    await rm(this.path, { recursive: true })
  }
}

function nameOf({ startedMs, scenario, backend, profile, pattern, seed }: RunName): string {
  const time = new Date(startedMs).toISOString().slice(0, 19).replaceAll(':', '-')
  const subject = profile === 'default' ? backend : `${backend}-${profile}`
  return `${time}-${scenario}-${subject}-${pattern}-s${seed}`
}

/** A run that has no place for its ledgers does not begin: its folder would pass for one that broke off. */
async function placeFor(path: string, bytes: number): Promise<LedgerPlace> {
  try {
    return await LedgerPlace.make(path, bytes)
  } catch (error) {
    await rm(path, { recursive: true })
    throw error
  }
}

async function firstFree(wanted: string): Promise<string> {
  for (let turn = 1; ; turn++) {
    const path = turn === 1 ? wanted : `${wanted}-${turn}`
    try {
      await mkdir(path, { mode: 0o700 })
      return path
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST' || turn === sameSecondMax) throw error
    }
  }
}
