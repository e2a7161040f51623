import type { Place } from '../../../core/message.ts'
import { isEntryId } from '../entryId.ts'
import { redisError } from '../redisErrors.ts'
import type { Context } from '../session.ts'
import type { Beginning } from './attach.ts'
import { type Entry, type EntryMessage, readEntry } from './entry.ts'

/** Entries read in one step. */
const stepMax = 1_000

/** What the server counts along a stream; null where there is none. */
export interface StreamInfo {
  readonly length: number
  readonly lastId: string
  /** Of what is stored the first; null: nothing is. */
  readonly firstId: string | null
  readonly entriesAdded: number
}

export async function streamInfo(context: Context, channel: string): Promise<StreamInfo | null> {
  const home = context.home(channel)
  if ((await home.send<number>(['EXISTS', channel], 'look')) === 0) return null
  const info = await home.send<Record<string, unknown>>(['XINFO', 'STREAM', channel], 'look')
  const first = info['first-entry'] as readonly [id: string] | null
  return {
    length: Number(info.length),
    lastId: String(info['last-generated-id']),
    firstId: first?.[0] ?? null,
    entriesAdded: Number(info['entries-added']),
  }
}

/** An entry found, and how many came before it of those that are stored. */
export interface Found {
  readonly entry: Entry
  readonly read: EntryMessage
  readonly before: number
}

/**
 * Along the stream, in steps that let others work: the first entry for which the condition holds.
 * What other programs have written goes by its entry id.
 */
export async function scan(
  context: Context,
  channel: string,
  isIt: (found: EntryMessage) => boolean,
): Promise<Found | null> {
  const home = context.home(channel)
  for (let from = '-', before = 0; ; ) {
    const range = ['XRANGE', channel, from, '+', 'COUNT', String(stepMax)]
    const entries = await home.send<Entry[]>(range, 'look', 'bytes')
    for (const [at, entry] of entries.entries()) {
      const read = readEntry(channel, entry)
      if (isIt(read)) return { entry, read, before: before + at }
    }
    before += entries.length
    if (entries.length < stepMax) return null
    from = `(${entries.at(-1)?.[0].toString('latin1')}`
  }
}

/** @throws INVALID_ARGUMENT */
export function checkPosition(channel: string, position: string): string {
  if (isEntryId(position)) return position
  const text = `"${position}" is no position of "${channel}"; expected one such as 1700000000000-0`
  throw redisError('INVALID_ARGUMENT', 'position', text, { channel })
}

/**
 * After which entry a group begins that is handed its first message at this place. How many entries
 * came up to there is what makes its lag exact; -1: nobody counted.
 * @throws NOT_FOUND for an id that is not stored, INVALID_ARGUMENT for what is no position
 */
export async function beginningOf(
  context: Context,
  channel: string,
  place: Place,
): Promise<Beginning> {
  const info = await streamInfo(context, channel)
  const { length, lastId, entriesAdded } = info ?? { length: 0, lastId: '0-0', entriesAdded: 0 }
  const forgotten = entriesAdded - length
  if (place === 'first') return { id: '0-0', entriesRead: forgotten }
  const end = { id: lastId, entriesRead: entriesAdded }
  if (place === 'end') return end
  if ('position' in place) {
    return { id: checkPosition(channel, place.position), entriesRead: -1 }
  }
  if ('id' in place) {
    const found = await scan(context, channel, ({ message }) => message.id === place.id)
    if (found) return { id: idOf(found), entriesRead: forgotten + found.before + 1 }
    const text = `"${channel}" has no message ${place.id}`
    throw redisError('NOT_FOUND', 'seek', text, { channel })
  }
  const found = await scan(context, channel, ({ message }) => message.timeMs >= place.timeMs)
  return found ? { id: idBefore(idOf(found)), entriesRead: forgotten + found.before } : end
}

export const idOf = ({ entry }: Found): string => entry[0].toString('latin1')

/** The greatest id below this one. */
export function idBefore(id: string): string {
  const [ms, seq] = id.split('-') as [string, string]
  if (seq !== '0') return `${ms}-${BigInt(seq) - 1n}`
  return ms === '0' ? '0-0' : `${BigInt(ms) - 1n}-18446744073709551615`
}
