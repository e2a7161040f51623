import { NarrowcastError } from '../../core/errors.ts'

export type Compression = 'zstd' | 'gzip' | 'none'

const levelMax = { zstd: 19, gzip: 9, none: 0 } as const

/** @throws INVALID_ARGUMENT. */
export function checkCompression(who: string, compression: Compression): void {
  if (Object.hasOwn(levelMax, compression)) return
  throw new NarrowcastError(
    'INVALID_ARGUMENT',
    `${who}: compression ${JSON.stringify(compression)}; expected zstd, gzip or none`,
  )
}

/** The level to use; 0 where nothing is compressed. @throws INVALID_ARGUMENT. */
export function checkLevel(
  who: string,
  compression: Compression,
  level: number | undefined,
  defaults: { readonly zstd: number; readonly gzip: number },
): number {
  if (compression === 'none') {
    if (level === undefined) return 0
    throw new NarrowcastError('INVALID_ARGUMENT', `${who}: level ${level} without a compression`)
  }
  const used = level ?? defaults[compression]
  if (Number.isInteger(used) && used >= 1 && used <= levelMax[compression]) return used
  throw new NarrowcastError(
    'INVALID_ARGUMENT',
    `${who}: ${compression} level ${used}; expected 1 to ${levelMax[compression]}`,
  )
}

/** A compressor that fails has no memory left; no row is to blame. */
export function compressionError(cause: unknown): NarrowcastError {
  return new NarrowcastError('UNAVAILABLE', `compressing failed: ${(cause as Error).message}`, {
    cause,
  })
}
