import { gzipSync, constants as zlib, zstdCompressSync } from 'node:zlib'
import { NarrowcastError } from '../../core/errors.ts'
import { encodedFile } from './encodedFile.ts'
import type { ColumnarEncoder } from './encoder.ts'
import { NewFile } from './newFile.ts'
import { type Compression, checkCompression, checkLevel, compressionError } from './options.ts'
import { encodingElements, schemaElements } from './parquetSchema.ts'
import { RowGroups } from './rowGroups.ts'

export interface ParquetOptions {
  /** @default 'zstd' */
  readonly compression?: Compression
  /** zstd 1 to 19 @default 3 · gzip 1 to 9 @default 6 */
  readonly level?: number
  /** 1 to 5,000. A group is encoded in one go: more would block the event loop. @default 5_000 */
  readonly rowsPerGroup?: number
}

const codecs = { zstd: 'ZSTD', gzip: 'GZIP', none: 'UNCOMPRESSED' } as const
const rowsPerGroupMax = 5_000

/** Parquet, row group by row group, with pages compressed by node:zlib. */
export function parquet(options: ParquetOptions = {}): ColumnarEncoder {
  const { compression = 'zstd', rowsPerGroup = rowsPerGroupMax } = options
  checkCompression('parquet', compression)
  const level = checkLevel('parquet', compression, options.level, { zstd: 3, gzip: 6 })
  if (!Number.isInteger(rowsPerGroup) || rowsPerGroup < 1 || rowsPerGroup > rowsPerGroupMax) {
    throw new NarrowcastError(
      'INVALID_ARGUMENT',
      `parquet: rowsPerGroup ${rowsPerGroup}; expected 1 to ${rowsPerGroupMax}`,
    )
  }
  return {
    name: 'parquet',
    extension: '.parquet',
    rowsPerGroup,
    async open(path, table) {
      // Loaded late: who writes no Parquet does not pay for it.
      const { ByteWriter, ParquetWriter } = await import('hyparquet-writer')
      const schema = schemaElements(table)
      const bytes = new ByteWriter()
      const writer = new ParquetWriter({
        writer: bytes,
        schema: encodingElements(schema),
        codec: codecs[compression],
        compressors: pageCompressors(level),
        createdBy: 'narrowcast',
      })
      const file = await NewFile.create(path)
      const groups = new RowGroups(file, table, writer, bytes, rowsPerGroup)
      return encodedFile(file, table.columns, {
        append: (rows) => groups.append(rows),
        async end() {
          await groups.flush()
          // Only the footer says it to readers.
          writer.schema = schema
          await groups.close()
        },
        abandon: () => groups.forget(),
      })
    },
  }
}

function pageCompressors(level: number) {
  const params = { [zlib.ZSTD_c_compressionLevel]: level }
  return {
    ZSTD: named((page) => zstdCompressSync(page, { params })),
    GZIP: named((page) => gzipSync(page, { level })),
  }
}

function named(compress: (page: Uint8Array) => Uint8Array): (page: Uint8Array) => Uint8Array {
  return (page) => {
    try {
      return compress(page)
    } catch (cause) {
      throw compressionError(cause)
    }
  }
}
