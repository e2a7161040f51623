import type { ChannelRef, Ordering } from './channel.ts'
import { NarrowcastError } from './errors.ts'

const shown: Readonly<Record<Ordering, string>> = {
  none: "order: 'none'",
  block: "order: 'key', onFailure: 'block'",
  skip: "order: 'key', onFailure: 'skip'",
}

/** A reader asks for another order than its group has while others are at work there. */
export function orderConflict(
  driver: string,
  { pattern, name }: ChannelRef,
  group: string | null,
  wanted: Ordering,
  found: Ordering,
): NarrowcastError {
  const what = group === null ? '' : ` by group "${group}"`
  return new NarrowcastError(
    'CONFLICT',
    `${driver}: ${pattern} "${name}" is read${what} with ${shown[found]}, wanted ${shown[wanted]}`,
    {
      driver,
      channel: name,
      operation: 'source',
      hint: `End its other readers first, or ask for what it has. A reader that was killed counts until its lease is over.`,
    },
  )
}
