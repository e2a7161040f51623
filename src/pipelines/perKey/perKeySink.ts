import { dirname, join, relative, sep } from 'node:path'
import { NarrowcastError } from '../../core/errors.ts'
import { uuid } from '../../core/ids.ts'
import { diskTrouble, errnoOf, inside } from '../disk.ts'
import type { Row, TableSchema } from '../encoders/encoder.ts'
import type {
  Answer,
  Answers,
  Landed,
  LandedFile,
  OpenSink,
  Raw,
  Refusal,
  SinkContext,
  Staged,
  StagedRow,
} from '../sink.ts'
import { escapeKey } from './names.ts'
import type { PerKeyPlan } from './perKey.ts'
import { sameRows } from './sameRows.ts'

/** A table of the pipeline, and where its files lie. */
export interface KeyTable {
  readonly schema: TableSchema
  /** Relative to the root. */
  readonly folder: string
  /** Files in the folder, as far as this worker knows. */
  files: number
}

/** The rows of one message for one file. */
interface KeyFile {
  readonly staged: Staged
  readonly table: KeyTable
  readonly path: string
  readonly temp: string
  readonly rows: readonly Row[]
  bytes: number
  found: 'new' | 'same' | 'other'
}

/** Encoding and syncing of so many files overlap. */
const writesAtOnce = 8
const filesBeforeWarning = 50_000

/** Temporary name → closed → synced → linked to the final name → folder synced → settled. */
export class PerKeySink implements OpenSink {
  readonly #plan: PerKeyPlan
  readonly #context: SinkContext
  readonly #tables: readonly KeyTable[]
  readonly #nextTemp: () => string
  readonly #ending: string

  constructor(
    plan: PerKeyPlan,
    context: SinkContext,
    tables: readonly KeyTable[],
    nextTemp: () => string,
  ) {
    this.#plan = plan
    this.#context = context
    this.#tables = tables
    this.#nextTemp = nextTemp
    const isOurs = plan.exclusive === 'worker'
    this.#ending = `${isOurs ? `_${escapeKey(context.worker)}` : ''}${plan.extension}`
  }

  pathOf(_raw: Raw, { table, row }: StagedRow): string {
    const { folder } = this.#tables[table] as KeyTable
    return `${folder}/${escapeKey(row[this.#plan.key] ?? null)}${this.#ending}`
  }

  /** The names say what has landed: nothing is known before a file is to take one. */
  async recognise(batch: readonly Raw[]): Promise<{ fresh: readonly Raw[]; known: Answers }> {
    return { fresh: batch, known: answersOf([], null, []) }
  }

  async land(batch: readonly Staged[]): Promise<Answers> {
    const startedMs = this.#context.clock.monotonicMs()
    const refusals = new Map<Staged, Refusal>()
    for (const staged of batch) if (staged.refusal) refusals.set(staged, staged.refusal)
    const files = batch.flatMap((staged) => (staged.refusal ? [] : this.#filesOf(staged)))
    const ids = batch.map(({ raw }) => raw.message.id)
    try {
      await this.#writeAll(files, refusals)
      await this.#context.step('written', ids)
      const good = files.filter(({ staged }) => !refusals.has(staged))
      await this.#linkAll(good)
      await this.#context.step('renamed', ids)
      this.#warnOfMany()
      return this.#answers(batch, good, refusals, startedMs)
    } finally {
      // The final name, where it was taken, is another name of the same file.
      for (const { temp } of files) await this.#plan.disk.remove(temp)
    }
  }

  async close(): Promise<void> {
    // Nothing is kept open between two batches.
  }

  #filesOf(staged: Staged): KeyFile[] {
    const files = new Map<string, KeyFile & { rows: Row[] }>()
    for (const one of staged.rows) {
      const path = this.pathOf(staged.raw, one)
      const full = inside(this.#plan.root, path)
      const file = files.get(full)
      if (file) {
        file.rows.push(one.row)
        continue
      }
      const table = this.#tables[one.table] as KeyTable
      const rows = [one.row]
      const temp = this.#nextTemp()
      files.set(full, { staged, table, path: full, temp, rows, bytes: 0, found: 'new' })
    }
    return [...files.values()]
  }

  async #writeAll(files: readonly KeyFile[], refusals: Map<Staged, Refusal>): Promise<void> {
    const queue = files.values()
    const work = async () => {
      for (const file of queue) await this.#write(file, refusals)
    }
    const workers = Array.from({ length: Math.min(writesAtOnce, files.length) }, work)
    // All have ended before a failure goes on: nobody writes behind the clean-up.
    for (const ended of await Promise.allSettled(workers)) {
      if (ended.status === 'rejected') throw ended.reason
    }
  }

  async #write(file: KeyFile, refusals: Map<Staged, Refusal>): Promise<void> {
    try {
      const encoded = await this.#plan.encoder.open(file.temp, file.table.schema)
      try {
        await encoded.append(file.rows)
        file.bytes = (await encoded.finish(this.#plan.durability)).bytes
      } finally {
        await encoded[Symbol.asyncDispose]()
      }
    } catch (error) {
      if (!(error instanceof NarrowcastError) || error.code !== 'INVALID_MESSAGE') {
        throw diskTrouble(`cannot write ${file.temp}`, error)
      }
      const { name, message } = error
      const schema = file.table.schema.name
      refusals.set(file.staged, { cause: 'invalid', error: { name, message, path: '' }, schema })
    }
  }

  /** In the order of the messages, then one sync for each folder with a name that counts. */
  async #linkAll(files: readonly KeyFile[]): Promise<void> {
    for (const file of files) await this.#link(file)
    for (const folder of new Set(files.map(({ path }) => dirname(path)))) {
      await this.#plan.disk.syncFolder(folder).catch((error: unknown) => {
        throw diskTrouble(`cannot sync ${folder}`, error)
      })
    }
  }

  async #link(file: KeyFile): Promise<void> {
    try {
      await this.#plan.disk.link(file.temp, file.path)
      file.table.files++
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw diskTrouble(`cannot name ${file.path}`, error)
      file.found = (await this.#isSame(file)) ? 'same' : 'other'
    }
  }

  async #isSame({ temp, path }: KeyFile): Promise<boolean> {
    try {
      return await sameRows(temp, path)
    } catch (error) {
      throw diskTrouble(`cannot compare with ${path}`, error)
    }
  }

  #answers(
    batch: readonly Staged[],
    files: readonly KeyFile[],
    refusals: ReadonlyMap<Staged, Refusal>,
    startedMs: number,
  ): Answers {
    const found = new Map<Staged, Answer['as']>()
    for (const { staged, found: one } of files) {
      const before = found.get(staged)
      if (one === 'other' || before === 'conflict') found.set(staged, 'conflict')
      else if (one === 'new' || before === 'landed') found.set(staged, 'landed')
      else found.set(staged, 'recognised')
    }
    const answers = batch.map((staged): Answer => {
      const { raw } = staged
      const refusal = refusals.get(staged)
      if (!refusal) return { raw, verdict: { kind: 'ack' }, as: found.get(staged) ?? 'landed' }
      const reason = `${refusal.error.name}: ${refusal.error.message}`
      return { raw, verdict: { kind: 'dead', reason }, as: 'dead' }
    })
    const refused = [...refusals].map(([{ raw }, refusal]) => ({ raw, refusal }))
    return answersOf(answers, this.#landed(answers, files, startedMs), refused)
  }

  #landed(answers: readonly Answer[], files: readonly KeyFile[], startedMs: number): Landed | null {
    const made = files
      .filter(({ found }) => found === 'new')
      .map(
        ({ table, path, rows, bytes }): LandedFile => ({
          path: relative(this.#plan.root, path).split(sep).join('/'),
          table: table.schema.name,
          rows: rows.length,
          bytes,
        }),
      )
    const idsOf = (as: Answer['as']) =>
      answers.filter((one) => one.as === as).map(({ raw }) => raw.message.id)
    const [ids, deadIds] = [idsOf('landed'), idsOf('dead')]
    if (made.length + deadIds.length === 0) return null
    const rows: Record<string, number> = {}
    for (const { table, rows: count } of made) rows[table ?? ''] = (rows[table ?? ''] ?? 0) + count
    return {
      id: uuid(),
      ids,
      deadIds,
      rows,
      files: made,
      bytes: made.reduce((sum, { bytes }) => sum + bytes, 0),
      tookMs: this.#context.clock.monotonicMs() - startedMs,
    }
  }

  #warnOfMany(): void {
    for (const table of this.#tables) {
      if (table.files < filesBeforeWarning) continue
      table.files = Number.NEGATIVE_INFINITY // said once
      this.#context.warn(
        new NarrowcastError(
          'UNAVAILABLE',
          `${join(this.#plan.root, table.folder)} has more than ${filesBeforeWarning} files, and grows slow`,
          { hint: 'A lake keeps many keys in few files: --layout dataset.' },
        ),
      )
    }
  }
}

function answersOf(
  answers: readonly Answer[],
  landed: Landed | null,
  refused: Answers['refused'],
): Answers {
  return { answers, landed, refused, settled: async () => undefined }
}
