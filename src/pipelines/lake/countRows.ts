import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'

/**
 * Rows of a file, counted from the file itself; `name` says what is in it. null: a form that only
 * its encoder knows.
 * @throws where it is torn or damaged.
 */
export async function countRows(path: string, name: string): Promise<number | null> {
  if (name.endsWith('.parquet')) return await parquetRows(path)
  const bytes = createReadStream(path)
  if (name.endsWith('.ndjson.zst')) return countLines(bytes, bytes.pipe(createZstdDecompress()))
  if (name.endsWith('.ndjson.gz')) return countLines(bytes, bytes.pipe(createGunzip()))
  if (name.endsWith('.ndjson')) return countLines(bytes, bytes)
  bytes.destroy()
  return null
}

async function parquetRows(path: string): Promise<number> {
  const { parquetMetadataAsync } = await import('hyparquet')
  const handle = await open(path, 'r')
  try {
    const { size: byteLength } = await handle.stat()
    const slice = async (start: number, end = byteLength) => {
      const from = start < 0 ? byteLength + start : start
      const buffer = new ArrayBuffer(Math.max(0, end - from))
      await handle.read(new Uint8Array(buffer), 0, buffer.byteLength, from)
      return buffer
    }
    return Number((await parquetMetadataAsync({ byteLength, slice })).num_rows)
  } finally {
    await handle.close()
  }
}

async function countLines(source: Readable, lines: Readable): Promise<number> {
  source.on('error', (error) => lines.destroy(error))
  let count = 0
  for await (const chunk of lines) {
    const bytes = chunk as Buffer
    for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) count++
  }
  return count
}
