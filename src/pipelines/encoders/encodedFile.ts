import { asNarrowcastError, NarrowcastError } from '../../core/errors.ts'
import type { Durability } from '../disk.ts'
import type { Column, Row } from '../schema/columnTypes.ts'
import type { EncodedFile, EncodedSummary } from './encoder.ts'
import type { NewFile } from './newFile.ts'
import { statsOf } from './stats.ts'

/** What an encoder adds to the life of a file. */
export interface Body {
  append(rows: readonly Row[]): Promise<void>
  /** Writes what is left, up to the last byte. */
  end(): Promise<void>
  /** Frees what it holds beside the file. */
  abandon(): void
}

/** Few enough to look at in a millisecond or two. */
const sliceRows = 1_000

/** The life of a file: open, then finished or gone. */
export function encodedFile(file: NewFile, columns: readonly Column[], body: Body): EncodedFile {
  const stats = statsOf(columns)
  let state: 'open' | 'finished' | 'gone' = 'open'
  let rowCount = 0

  const step = async (operation: string, work: () => Promise<void>): Promise<void> => {
    if (state !== 'open') {
      throw new NarrowcastError('CLOSED', `${operation} ${file.path}: the file is ${state}`)
    }
    try {
      await work()
    } catch (error) {
      state = 'gone'
      body.abandon()
      await file.discard()
      // What the disk and the compressors meet is named already: the rest is the rows'.
      throw asNarrowcastError(error, 'INVALID_MESSAGE', { operation })
    }
  }

  return {
    append: (rows) =>
      step('append to', async () => {
        for (let from = 0; from < rows.length; from += sliceRows) {
          const slice = rows.slice(from, from + sliceRows)
          stats.add(slice)
          await body.append(slice)
        }
        rowCount += rows.length
      }),
    async finish(durability: Durability = 'fsync'): Promise<EncodedSummary> {
      await step('finish', async () => {
        await body.end()
        await file.finish(durability)
      })
      state = 'finished'
      return { rows: rowCount, bytes: file.bytes, stats: stats.result() }
    },
    async [Symbol.asyncDispose]() {
      if (state !== 'open') return
      state = 'gone'
      body.abandon()
      await file.discard()
    },
  }
}
