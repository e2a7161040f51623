import type { Ordering } from '../../../core/channel.ts'
import { parsed } from '../wire/message.ts'

/** What a group notes of a partition beside how far it is there. */
export interface Note {
  /** Owners that ended with the first that is not settled in hand. */
  readonly crashes: number
  /** In which the group hands out. */
  readonly order: Ordering
  /** Of those that are retried in their place, by their offsets. */
  readonly failures: ReadonlyMap<number, number>
}

/** A broker takes 4,096 in all, unless it was told otherwise. */
const failuresLengthMax = 3_900

/** As a client of Kafka sees it beside the offset; those failures that come first, where not all have room. */
export function noteText(offset: number, { crashes, order, failures }: Note): string {
  const said: Record<string, unknown> = {}
  if (crashes > 0) said.c = crashes
  if (order !== 'none') said.o = order
  if (failures.size > 0) said.f = Object.fromEntries(firstOf(offset, failures))
  return Object.keys(said).length === 0 ? '' : JSON.stringify(said)
}

function firstOf(offset: number, failures: Note['failures']): [string, number][] {
  const first: [string, number][] = []
  let length = 0
  for (const [at, count] of [...failures].sort(([a], [b]) => a - b)) {
    if (at < offset) continue
    length += `"${at - offset}":${count},`.length
    if (length > failuresLengthMax) break
    first.push([String(at - offset), count])
  }
  return first
}

/** What another program has noted says nothing to us. */
export function noteIn(offset: number, text: string | null): Note {
  const { c, o, f } = (parsed(text ?? '') ?? {}) as { c?: unknown; o?: unknown; f?: unknown }
  const failures = Object.entries((f ?? {}) as Record<string, unknown>).flatMap(
    ([after, count]): [number, number][] =>
      isCount(count) && isCount(Number(after)) ? [[offset + Number(after), count]] : [],
  )
  return {
    crashes: isCount(c) ? c : 0,
    order: o === 'block' || o === 'skip' ? o : 'none',
    failures: new Map(failures),
  }
}

const isCount = (said: unknown): said is number => Number.isSafeInteger(said) && Number(said) >= 0
