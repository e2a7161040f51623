import { join } from 'node:path'
import { NarrowcastError } from '../../core/errors.ts'
import type { Disk, Durability } from '../disk.ts'
import { diskTrouble, inside } from '../disk.ts'
import type { EncodedSummary, Encoder, Row, TableSchema } from '../encoders/encoder.ts'
import type { Refusal, Staged } from '../sink.ts'
import { type DeadFacts, deadLine, writeText } from './deadLetters.ts'
import { dataName, dateOf, deadName, hasDate, tempName } from './layout.ts'
import type { FileRow } from './manifestTypes.ts'
import { unfit } from './unfit.ts'

/** A table of the pipeline as it is written. */
export interface LakeTable {
  readonly schema: TableSchema
  readonly version: number
}

export interface FilesHost {
  readonly root: string
  readonly disk: Disk
  readonly durability: Durability
  readonly encoder: Encoder
  readonly tables: readonly LakeTable[]
  readonly hasMarks: boolean
  /** False: dead letters go to the channel, and no file holds them. */
  readonly hasDeadFiles: boolean
  readonly pipeline: string
  readonly channel: string
  readonly worker: string
  wallMs(): number
}

interface Entry {
  readonly staged: Staged
  /** Place of the row in its message. */
  readonly at: number
}

/** The rows of one table and day. */
interface Group {
  readonly table: LakeTable
  readonly date: string
  readonly entries: Entry[]
}

/** Rows handed to an encoder at once. */
const rowsAtOnce = 5_000

/**
 * The files of one commit, at temporary paths. A row that the encoder cannot write makes its
 * message a dead letter; the rest is written again without it.
 */
export class CommitFiles {
  readonly id: string
  readonly files: FileRow[] = []
  /** Messages of this commit by what was found out about them. */
  readonly refusals = new Map<Staged, Refusal>()
  readonly #host: FilesHost
  readonly #owner: string
  /** Every name that was given out; of a file that failed half of it may lie there. */
  #temps: string[] = []
  #count = 0

  constructor(host: FilesHost, owner: string, id: string) {
    this.#host = host
    this.#owner = owner
    this.id = id
  }

  /** Written, synced and closed, with the folder of the temporary names. */
  async write(batch: readonly Staged[]): Promise<void> {
    for (const staged of batch) {
      const refusal = staged.refusal ?? unfit(staged.raw)
      if (refusal) this.refusals.set(staged, refusal)
    }
    for (;;) {
      const found = await this.#writeRows(batch)
      if (found === null) break
      for (const [staged, refusal] of found) this.refusals.set(staged, refusal)
      await this.discard()
    }
    if (this.#host.hasDeadFiles) await this.#writeDead()
    await this.#host.disk.syncFolder(join(this.#host.root, '_tmp')).catch((error: unknown) => {
      throw diskTrouble(`cannot sync ${this.#host.root}/_tmp`, error)
    })
  }

  /** Takes the temporary files away; only for a commit that certainly did not happen. */
  async discard(): Promise<void> {
    for (const temp of this.#temps) {
      await this.#host.disk.remove(join(this.#host.root, temp)).catch((error: unknown) => {
        throw diskTrouble(`cannot delete ${temp}`, error)
      })
    }
    this.#temps = []
    this.files.length = 0
  }

  /** @returns the messages that could not be written; null when all were. */
  async #writeRows(batch: readonly Staged[]): Promise<Map<Staged, Refusal> | null> {
    for (const group of this.#groups(batch)) {
      const { table, date, entries } = group
      const temp = this.#nextTemp()
      try {
        const { rows, bytes, stats } = await this.#encode(temp, table, entries)
        const { name } = table.schema
        const path = dataName(name, table.version, date, this.id, this.#host.encoder.extension)
        inside(this.#host.root, path)
        const { version } = table
        const text = JSON.stringify(stats)
        this.files.push({
          path,
          kind: 'data',
          table: name,
          version,
          temp,
          rows,
          bytes,
          stats: text,
        })
      } catch (error) {
        if (!isRowFault(error)) throw diskTrouble(`cannot write ${temp}`, error)
        return await this.#offenders(table, entries, error)
      }
    }
    return null
  }

  #groups(batch: readonly Staged[]): Iterable<Group> {
    const groups = new Map<string, Group>()
    for (const staged of batch) {
      if (this.refusals.has(staged)) continue
      const date = dateOf(staged.raw.message.timeMs)
      for (const [at, row] of staged.rows.entries()) {
        const key = `${row.table} ${date}`
        let group = groups.get(key)
        if (!group) {
          group = { table: this.#host.tables[row.table] as LakeTable, date, entries: [] }
          groups.set(key, group)
        }
        group.entries.push({ staged, at })
      }
    }
    return groups.values()
  }

  async #encode(
    temp: string,
    table: LakeTable,
    entries: readonly Entry[],
  ): Promise<EncodedSummary> {
    const file = await this.#host.encoder.open(join(this.#host.root, temp), table.schema)
    try {
      for (let from = 0; from < entries.length; from += rowsAtOnce) {
        await file.append(entries.slice(from, from + rowsAtOnce).map((entry) => this.#row(entry)))
      }
      return await file.finish(this.#host.durability)
    } finally {
      await file[Symbol.asyncDispose]()
    }
  }

  #row({ staged, at }: Entry): Row {
    const { row } = staged.rows[at] as Staged['rows'][number]
    if (!this.#host.hasMarks) return row
    const { id, timeMs } = staged.raw.message
    return { ...row, _id: id, _row: at, _commit: this.id, _time: Math.trunc(timeMs) }
  }

  /** Halves until each message that cannot be written stands alone. */
  async #offenders(
    table: LakeTable,
    entries: readonly Entry[],
    error: unknown,
  ): Promise<Map<Staged, Refusal>> {
    const messages = [...new Set(entries.map(({ staged }) => staged))]
    const [first] = messages
    if (messages.length === 1 && first) return new Map([[first, unwritable(table, error)]])
    const found = new Map<Staged, Refusal>()
    const middle = new Set(messages.slice(0, Math.ceil(messages.length / 2)))
    for (const isFirst of [true, false]) {
      const half = entries.filter(({ staged }) => middle.has(staged) === isFirst)
      const fault = await this.#tryEncode(table, half)
      if (fault === null) continue
      for (const [staged, refusal] of await this.#offenders(table, half, fault)) {
        found.set(staged, refusal)
      }
    }
    if (found.size > 0) return found
    throw new NarrowcastError(
      'INTERNAL',
      `${this.#host.encoder.name} refuses ${messages.length} messages of ${table.schema.name} together and takes each half alone`,
      { cause: error },
    )
  }

  async #tryEncode(table: LakeTable, entries: readonly Entry[]): Promise<unknown> {
    const temp = this.#nextTemp()
    try {
      await this.#encode(temp, table, entries)
      return null
    } catch (error) {
      if (isRowFault(error)) return error
      throw diskTrouble(`cannot write ${temp}`, error)
    } finally {
      await this.#host.disk.remove(join(this.#host.root, temp))
    }
  }

  async #writeDead(): Promise<void> {
    const { root, pipeline, channel, worker, durability } = this.#host
    const facts: DeadFacts = { pipeline, channel, worker, diedMs: this.#host.wallMs() }
    const days = new Map<string, string[]>()
    for (const [{ raw }, refusal] of this.refusals) {
      const { timeMs } = raw.message
      const date = dateOf(hasDate(timeMs) ? timeMs : facts.diedMs)
      const lines = days.get(date) ?? []
      days.set(date, lines)
      lines.push(deadLine(raw, refusal, facts))
    }
    for (const [date, lines] of days) {
      const path = deadName(pipeline, date, this.id)
      inside(root, path)
      const temp = this.#nextTemp()
      const bytes = await writeText(join(root, temp), lines.join(''), durability)
      const common = { table: '', version: 1, stats: '[]' }
      this.files.push({ path, kind: 'dead', temp, rows: lines.length, bytes, ...common })
    }
  }

  #nextTemp(): string {
    const temp = tempName(this.#owner, this.id, this.#count++)
    this.#temps.push(temp)
    return temp
  }
}

/** Only what the encoder blames on a row; a missing package or a full disk is nobody's fault. */
function isRowFault(error: unknown): boolean {
  return error instanceof NarrowcastError && error.code === 'INVALID_MESSAGE'
}

function unwritable(table: LakeTable, error: unknown): Refusal {
  const { name, message } =
    error instanceof Error ? error : { name: 'Error', message: String(error) }
  return {
    cause: 'invalid',
    error: { name, message, path: '' },
    schema: table.schema.name,
  }
}
