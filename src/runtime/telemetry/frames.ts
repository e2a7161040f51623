import type { TelemetryFrame } from './frame.ts'
import type { Counts } from './sender.ts'

export const frameBytesMax = 16_000
/** Of these, what parts of the program may add. */
const addedBytesMax = 8_000
/** A process tells no more than so many frames at once. */
export const framesMax = 20

/** What stands in every frame. */
export type FrameFacts = Pick<
  TelemetryFrame,
  | ('v' | 'type' | 'host' | 'pid' | 'start' | 'bus' | 'every_ms' | 'version' | 'control')
  | ('memory_mb' | 'loop_p99_ms')
>
type Kind = keyof Counts

const bytesOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value))

/**
 * As few frames as it takes, each within its size. What parts add is in the first one, or left out
 * where it is too much; what the last one has no room for is counted.
 */
export function framesOf(
  facts: FrameFacts,
  counts: Counts,
  added: Readonly<Record<string, unknown>>,
): TelemetryFrame[] {
  const isFit = bytesOf(added) <= addedBytesMax
  const empty = { ...facts, part: 0, parts: framesMax, omitted: Number.MAX_SAFE_INTEGER }
  const bytesOfFacts = bytesOf({ ...empty, subscriptions: [], publishers: [], relays: [] })
  const parts: Record<Kind, unknown[]>[] = []
  let room = 0
  let omitted = isFit ? 0 : 1
  for (const [kind, one] of itemsOf(counts)) {
    const bytes = bytesOf(one) + 1
    if (bytes > room && parts.length < framesMax) {
      const before = parts.length === 0 && isFit ? bytesOf(added) : 0
      parts.push({ subscriptions: [], publishers: [], relays: [] })
      room = frameBytesMax - bytesOfFacts - before
    }
    const part = parts.at(-1)
    if (!part || bytes > room) {
      omitted++
      continue
    }
    part[kind].push(one)
    room -= bytes
  }
  if (parts.length === 0) parts.push({ subscriptions: [], publishers: [], relays: [] })
  return parts.map((part, n) => {
    const more = n === 0 && isFit ? added : {}
    const frame = { ...more, ...facts, ...part, part: n, parts: parts.length, omitted }
    return frame as unknown as TelemetryFrame
  })
}

/** Relays first, for they are few. What one alone has in hand may be much: then its ids are left out. */
function* itemsOf(counts: Counts): Iterable<[Kind, unknown]> {
  for (const one of counts.relays) yield ['relays', one]
  for (const one of counts.subscriptions) {
    yield ['subscriptions', bytesOf(one.in_flight) > 4_000 ? { ...one, in_flight: [] } : one]
  }
  for (const one of counts.publishers) yield ['publishers', one]
}
