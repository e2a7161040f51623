import { readFile } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'

/** Whether two files hold the same rows, however they were packed. Both are small. */
export async function sameRows(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([readFile(one), readFile(other)])
  if (a.equals(b)) return true
  const [rowsA, rowsB] = [await rowsOf(a), await rowsOf(b)]
  return rowsA !== null && rowsB !== null && isDeepStrictEqual(rowsA, rowsB)
}

/** null: in no form that we know, or damaged. */
async function rowsOf(bytes: Buffer): Promise<unknown> {
  try {
    if (bytes.subarray(0, 4).toString('latin1') === 'PAR1') return await parquetRows(bytes)
    if (bytes.readUInt16BE(0) === 0x1f8b) return gunzipSync(bytes).toString()
    if (bytes.readUInt32LE(0) === 0xfd2fb528) return zstdDecompressSync(bytes).toString()
    return bytes.toString()
  } catch {
    return null // it cannot be read: the caller counts a conflict and keeps the first file
  }
}

async function parquetRows(bytes: Buffer): Promise<unknown> {
  const { parquetReadObjects } = await import('hyparquet')
  const { buffer, byteOffset, byteLength } = bytes
  const file = {
    byteLength,
    slice: (start: number, end?: number) =>
      buffer.slice(byteOffset + start, byteOffset + (end ?? byteLength)) as ArrayBuffer,
  }
  return parquetReadObjects({
    file,
    compressors: {
      GZIP: (page) => gunzipSync(page),
      ZSTD: (page) => zstdDecompressSync(page),
    },
  })
}
