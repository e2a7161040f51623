import type { ByteWriter, ParquetWriter } from 'hyparquet-writer'
import type { Column, Row, TableSchema } from '../schema/columnTypes.ts'
import type { NewFile } from './newFile.ts'
import { holdsJson } from './parquetSchema.ts'
import { extraLength, physical } from './physical.ts'

/** Text in a group, in characters: it bounds memory and time where rows are long. */
const groupLengthMax = 4 * 1024 * 1024

/** A column of the group that is being filled. */
function filling(column: Column) {
  return {
    name: column.name,
    nullable: column.nullable,
    convert: physical(column.type),
    extra: extraLength(column.type),
    statistics: !holdsJson(column),
    data: [] as unknown[],
  }
}

/** Turns rows into columns, and columns into row groups as soon as there are enough. */
export class RowGroups {
  readonly #file: NewFile
  readonly #writer: ParquetWriter
  /** Where the writer puts its bytes; emptied into the file after every group. */
  readonly #bytes: ByteWriter
  readonly #rowsPerGroup: number
  readonly #columns: readonly ReturnType<typeof filling>[]
  #rows = 0
  #length = 0

  constructor(
    file: NewFile,
    table: TableSchema,
    writer: ParquetWriter,
    bytes: ByteWriter,
    rowsPerGroup: number,
  ) {
    this.#file = file
    this.#writer = writer
    this.#bytes = bytes
    this.#rowsPerGroup = rowsPerGroup
    this.#columns = table.columns.map(filling)
  }

  async append(rows: readonly Row[]): Promise<void> {
    for (const row of rows) {
      this.#add(row)
      if (this.#rows >= this.#rowsPerGroup || this.#length >= groupLengthMax) await this.flush()
    }
  }

  #add(row: Row): void {
    for (const { name, nullable, convert, extra, data } of this.#columns) {
      const cell = row[name] ?? null
      if (cell === null) {
        if (!nullable) throw new TypeError(`column ${name} is required`)
        data.push(null)
        continue
      }
      if (extra !== null) this.#length += extra(cell)
      data.push(convert === null ? cell : convert(cell))
    }
    this.#rows++
  }

  /** Encodes what is there, in one go, and brings it to the file. */
  async flush(): Promise<void> {
    if (this.#rows === 0) return
    const columnData = this.#columns.map(({ name, data, statistics }) => ({
      name,
      data,
      statistics,
    }))
    await this.#writer.write({ columnData, rowGroupSize: this.#rows })
    this.forget()
    await this.#drain()
  }

  async close(): Promise<void> {
    await this.flush()
    await this.#writer.finish()
    await this.#drain()
  }

  forget(): void {
    for (const column of this.#columns) column.data = []
    this.#rows = 0
    this.#length = 0
  }

  async #drain(): Promise<void> {
    await this.#file.write(this.#bytes.getBytes())
    this.#bytes.index = 0
  }
}
