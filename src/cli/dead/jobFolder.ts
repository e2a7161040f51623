import { existsSync } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { asNarrowcastError, NarrowcastError } from '../../core/errors.ts'
import { randomName } from '../../core/ids.ts'
import { diskTrouble, errnoOf } from '../../pipelines/disk.ts'
import type { PlannedLetter } from '../../runtime/redrive/plan.ts'
import type { Job, SeenJob } from './job.ts'
import { isJobLocked, type JobLock, takeJobLock } from './jobLock.ts'

/** Done jobs of which the files are kept. */
const doneKept = 100
const format = 1
const lettersPerWrite = 1_000

/**
 * Redrive jobs of a project, in `.narrowcast/redrives`. Of each: `ID.json`, how far it has come,
 * replaced as a whole at every step; `ID.letters`, the dead letters it is meant for, written
 * before; `ID.lock`, held by the process that runs it; `ID.cancel`, there when it shall end.
 */
export class JobFolder {
  readonly path: string

  constructor(folder: string) {
    this.path = join(folder, '.narrowcast', 'redrives')
  }

  /** @returns the lock of a new job. */
  async begin(): Promise<{ id: string; lock: JobLock }> {
    const id = `r_${randomName(6)}`
    return this.#try(`cannot make a job in ${this.path}`, async () => {
      await mkdir(this.path, { recursive: true })
      const lock = takeJobLock(this.#file(id, 'lock'))
      if (lock) return { id, lock }
      throw new NarrowcastError('CONFLICT', `another process made ${id} at this very moment`)
    })
  }

  /** Writes the letters, then the job; forgets old jobs that are done. */
  async create(job: Job, letters: readonly PlannedLetter[]): Promise<void> {
    await this.#try(`cannot write job ${job.id}`, async () => {
      await this.#replace(job.id, 'letters', linesOf(letters))
    })
    await this.save(job)
    await this.#forgetOld()
  }

  async save(job: Job): Promise<void> {
    await this.#try(`cannot write job ${job.id}`, () =>
      this.#replace(job.id, 'json', [`${JSON.stringify({ v: format, ...job })}\n`]),
    )
  }

  /** @throws NOT_FOUND, naming those there are; STORE_UNUSABLE for a file that is none of ours. */
  async read(id: string): Promise<SeenJob> {
    const isLocked = isForm(id) && isJobLocked(this.#file(id, 'lock'))
    const text = isForm(id) ? await this.#read(id, 'json') : null
    if (text === null) {
      throw new NarrowcastError('NOT_FOUND', `there is no redrive job ${JSON.stringify(id)}`, {
        hint: `narrowcast dead jobs lists those in ${this.path}`,
      })
    }
    const job = jobOf(this.#file(id, 'json'), text)
    return { ...job, state: job.state === 'running' && !isLocked ? 'interrupted' : job.state }
  }

  async letters(id: string): Promise<PlannedLetter[]> {
    const text = await this.#read(id, 'letters')
    if (text === null) throw damaged(this.#file(id, 'letters'), 'it is gone')
    const lines = text.split('\n').slice(0, -1)
    return lines.map((line) => {
      const [ref, name, redrives] = JSON.parse(line) as [string, string, number]
      return { ref, id: name, redrives }
    })
  }

  /** The newest first, and what is wrong with those that cannot be read. */
  async list(): Promise<{ jobs: SeenJob[]; damaged: NarrowcastError[] }> {
    const names = await this.#try(`cannot read ${this.path}`, () =>
      readdir(this.path).catch((error: unknown) => {
        if (errnoOf(error) === 'ENOENT') return []
        throw error
      }),
    )
    const ids = names.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -5))
    const jobs: SeenJob[] = []
    const damaged: NarrowcastError[] = []
    for (const id of ids.filter(isForm)) {
      await this.read(id).then(
        (job) => jobs.push(job),
        (error: unknown) => damaged.push(asNarrowcastError(error)),
      )
    }
    return { jobs: jobs.sort((a, b) => b.plannedMs - a.plannedMs), damaged }
  }

  /** @throws CONFLICT where another process runs it. */
  async lock(id: string): Promise<JobLock> {
    const lock = await this.#try(`cannot lock job ${id}`, async () =>
      takeJobLock(this.#file(id, 'lock')),
    )
    if (lock) return lock
    throw new NarrowcastError('CONFLICT', `job ${id} runs in another process`, {
      hint: `How far it is: narrowcast dead jobs ${id}\nEnd it: narrowcast dead cancel ${id}`,
    })
  }

  async askCancel(id: string): Promise<void> {
    await this.#try(`cannot cancel job ${id}`, () => this.#replace(id, 'cancel', []))
  }

  isCancelAsked(id: string): boolean {
    return existsSync(this.#file(id, 'cancel'))
  }

  async forgetCancel(id: string): Promise<void> {
    await this.#try(`cannot go on with job ${id}`, () =>
      rm(this.#file(id, 'cancel'), { force: true }),
    )
  }

  async #forgetOld(): Promise<void> {
    const { jobs } = await this.list()
    const done = jobs.filter(({ state }) => state === 'done')
    for (const { id } of done.slice(doneKept)) {
      for (const kind of ['json', 'letters', 'cancel', 'lock'] as const) {
        await this.#try(`cannot remove job ${id}`, () => rm(this.#file(id, kind), { force: true }))
      }
    }
  }

  /** Whole or not at all, also after a power cut. */
  async #replace(id: string, kind: Kind, parts: Iterable<string>): Promise<void> {
    const path = this.#file(id, kind)
    const fresh = `${path}.tmp`
    const file = await open(fresh, 'w')
    try {
      for (const part of parts) await file.write(part)
      await file.datasync()
    } finally {
      await file.close()
    }
    await rename(fresh, path)
  }

  async #read(id: string, kind: Kind): Promise<string | null> {
    const path = this.#file(id, kind)
    return this.#try(`cannot read ${path}`, () =>
      readFile(path, 'utf8').catch((error: unknown) => {
        if (errnoOf(error) === 'ENOENT') return null
        throw error
      }),
    )
  }

  #file(id: string, kind: Kind): string {
    return join(this.path, `${id}.${kind}`)
  }

  async #try<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw diskTrouble(what, error)
    }
  }
}

type Kind = 'json' | 'letters' | 'lock' | 'cancel'

/** Nothing that leads out of the folder. */
const isForm = (id: string): boolean => /^r_[a-z2-7]{6}$/.test(id)

function* linesOf(letters: readonly PlannedLetter[]): Generator<string> {
  for (let at = 0; at < letters.length; at += lettersPerWrite) {
    const some = letters.slice(at, at + lettersPerWrite)
    yield some.map(({ ref, id, redrives }) => `${JSON.stringify([ref, id, redrives])}\n`).join('')
  }
}

function jobOf(path: string, text: string): Job {
  try {
    const { v, ...job } = JSON.parse(text) as Job & { v: number }
    if (v === format) return job
  } catch (cause) {
    throw damaged(path, 'it is no JSON', cause)
  }
  throw damaged(path, `it is of another format than ${format}`)
}

function damaged(path: string, what: string, cause?: unknown): NarrowcastError {
  return new NarrowcastError('STORE_UNUSABLE', `${path} cannot be used: ${what}`, {
    hint: 'Remove the files of this job. Its dead letters are where they were: redrive them anew.',
    cause,
  })
}
