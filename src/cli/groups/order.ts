import type { Ordering } from '../../core/channel.ts'

/** As it is asked for in a program; null where there is no order by key. */
export function orderText(order: Ordering | null): string | null {
  return order === null || order === 'none' ? null : `key (${order})`
}

/** For the end of a line. */
export function orderNote(order: Ordering | null): string {
  const text = orderText(order)
  return text === null ? '' : `  order ${text}`
}
