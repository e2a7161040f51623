import { createGzip, createZstdCompress, constants as zlib } from 'node:zlib'
import { NarrowcastError } from '../../core/errors.ts'
import { encodedFile } from './encodedFile.ts'
import type { Encoder } from './encoder.ts'
import { jsonLine } from './jsonLine.ts'
import { NewFile } from './newFile.ts'
import { type Compression, checkCompression, checkLevel, compressionError } from './options.ts'

export interface NdjsonOptions {
  /** @default 'zstd' */
  readonly compression?: Compression
  /** zstd 1 to 19 @default 1 · gzip 1 to 9 @default 6 */
  readonly level?: number
}

const extensions = { zstd: '.ndjson.zst', gzip: '.ndjson.gz', none: '.ndjson' } as const

/** Text that is encoded between two looks at the event loop, in characters. */
const chunkLengthMax = 256 * 1024

/** One JSON object per line; 64-bit integers as plain digits, times as `2026-01-31T23:59:59.000Z`. */
export function ndjson(options: NdjsonOptions = {}): Encoder {
  const { compression = 'zstd' } = options
  checkCompression('ndjson', compression)
  const level = checkLevel('ndjson', compression, options.level, { zstd: 1, gzip: 6 })
  return {
    name: 'ndjson',
    extension: extensions[compression],
    async open(path, table) {
      const line = jsonLine(table.columns)
      const file = await NewFile.create(path)
      const out = compression === 'none' ? plain(file) : compressed(file, compression, level)
      return encodedFile(file, table.columns, {
        async append(rows) {
          let chunk = ''
          for (const row of rows) {
            chunk += `${line(row)}\n`
            if (chunk.length < chunkLengthMax) continue
            await out.write(Buffer.from(chunk))
            chunk = ''
          }
          if (chunk !== '') await out.write(Buffer.from(chunk))
        },
        end: () => out.end(),
        abandon: () => out.abandon(),
      })
    },
  }
}

interface Out {
  write(bytes: Uint8Array): Promise<void>
  end(): Promise<void>
  abandon(): void
}

function plain(file: NewFile): Out {
  return {
    write: (bytes) => file.write(bytes),
    end: async () => undefined,
    abandon: () => undefined,
  }
}

function compressed(file: NewFile, compression: 'zstd' | 'gzip', level: number): Out {
  const stream =
    compression === 'gzip'
      ? createGzip({ level })
      : createZstdCompress({ params: { [zlib.ZSTD_c_compressionLevel]: level } })
  const done = toFile(stream, file)
  // What it meets is told by the call that waits for it next.
  done.catch(() => undefined)
  return {
    async write(bytes) {
      const written = new Promise<void>((resolve, reject) => {
        stream.write(bytes, (error) => (error ? reject(compressionError(error)) : resolve()))
      })
      await Promise.race([written, done])
    },
    async end() {
      stream.end()
      await done
    },
    abandon: () => stream.destroy(),
  }
}

async function toFile(stream: AsyncIterable<unknown>, file: NewFile): Promise<void> {
  try {
    for await (const bytes of stream) await file.write(bytes as Uint8Array)
  } catch (error) {
    throw error instanceof NarrowcastError ? error : compressionError(error)
  }
}
