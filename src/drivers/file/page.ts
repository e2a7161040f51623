import type { PageQuery } from '../../core/driver.ts'
import { NarrowcastError } from '../../core/errors.ts'

/** Most entries in one page. */
export const pageMax = 1_000

/** The number behind a cursor of ours; null for the first page. @throws INVALID_ARGUMENT */
export function checkPage({ cursor, limit }: PageQuery): number | null {
  checkLimit(limit)
  if (cursor === null) return null
  if (/^\d{1,15}$/.test(cursor)) return Number(cursor)
  throw new NarrowcastError(
    'INVALID_ARGUMENT',
    `file: page cursor ${JSON.stringify(cursor)} is not one that a page gave`,
    { driver: 'file' },
  )
}

/** @throws INVALID_ARGUMENT */
export function checkLimit(limit: number): void {
  if (Number.isInteger(limit) && limit >= 1 && limit <= pageMax) return
  throw new NarrowcastError(
    'INVALID_ARGUMENT',
    `file: page limit ${limit}; expected a whole number from 1 to ${pageMax}`,
    { driver: 'file' },
  )
}
