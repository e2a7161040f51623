import { statfsSync } from 'node:fs'
import { dirname } from 'node:path'

/** What may still be written to the disk of a file; infinite where it does not say. */
export function freeBytes(file: string): number {
  try {
    const { bavail, blocks, bsize } = statfsSync(dirname(file))
    return blocks === 0 ? Number.POSITIVE_INFINITY : bavail * bsize
  } catch {
    return Number.POSITIVE_INFINITY // the disk itself is gone: whoever writes to it is told
  }
}

export const mebibyte = 1024 * 1024

/** `1.5 MiB`, never less than it is. */
export function inMebibytes(bytes: number): string {
  return `${(Math.ceil((bytes / mebibyte) * 10) / 10).toFixed(1)} MiB`
}
