import type { Page, PageQuery } from '../../core/driver.ts'
import { NarrowcastError } from '../../core/errors.ts'
import type { Slots } from './slots.ts'

/** Most entries in one page. */
const limitMax = 1_000

/** One page of what fits, from `first` on; its cursor is the key of its last entry. */
export function page<T, R>(
  slots: Slots<T>,
  query: PageQuery,
  first: number,
  fits: (value: T) => boolean,
  show: (value: T, key: number) => R,
): Page<R> {
  const { limit, newestFirst } = query
  const cursor = checkPage(query)
  const next = newestFirst
    ? (key: number) => slots.lastKey(key - 1)
    : (key: number) => slots.firstKey(key + 1)
  const items: R[] = []
  let last = 0
  for (
    let key = next(cursor ?? (newestFirst ? Number.MAX_SAFE_INTEGER : first - 1));
    key >= first && key !== Number.POSITIVE_INFINITY;
    key = next(key)
  ) {
    const value = slots.get(key) as T
    if (!fits(value)) continue
    if (items.length === limit) return { items, cursor: String(last) }
    items.push(show(value, key))
    last = key
  }
  return { items, cursor: null }
}

/** @throws INVALID_ARGUMENT for a limit out of range or a cursor that is not one of ours. */
function checkPage({ cursor, limit }: PageQuery): number | null {
  checkLimit(limit)
  if (cursor === null) return null
  if (/^\d{1,15}$/.test(cursor)) return Number(cursor)
  throw new NarrowcastError(
    'INVALID_ARGUMENT',
    `memory: page cursor ${JSON.stringify(cursor)} is not one that a page gave`,
  )
}

export function checkLimit(limit: number): void {
  if (Number.isInteger(limit) && limit >= 1 && limit <= limitMax) return
  throw new NarrowcastError(
    'INVALID_ARGUMENT',
    `memory: page limit ${limit}; expected a whole number from 1 to ${limitMax}`,
  )
}
