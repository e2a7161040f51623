import { type ChannelRef, type ChannelSpec, checkName } from '../../core/channel.ts'
import { NarrowcastError } from '../../core/errors.ts'
import { isLive, type Pattern } from '../../core/message.ts'
import type { Database } from './database.ts'

export interface ChannelRow {
  readonly no: number
  readonly name: string
  readonly pattern: Pattern
  readonly age_ms: number | null
  readonly messages_max: number | null
  readonly bytes_max: number | null
  readonly dedupe_ms: number | null
}

export interface GroupRow {
  readonly no: number
  readonly name: string
  readonly next_seq: number
}

/** A queue has one group, without a name. */
export const queueGroup = ''

export function findChannel(db: Database, name: string): ChannelRow | undefined {
  return db.get<ChannelRow>(
    `SELECT no, name, pattern, age_ms, messages_max, bytes_max, dedupe_ms
     FROM channel WHERE name = ?`,
    name,
  )
}

export function notFound(operation: string, channel: string, text: string): NarrowcastError {
  return new NarrowcastError('NOT_FOUND', `file: ${operation}: ${text}`, {
    driver: 'file',
    channel,
    operation,
  })
}

/**
 * Inside a transaction: the channel, made with these values where it is not there. Retention and
 * dedupe are those of whoever made it: `ensure` tells of the difference.
 * @throws CONFLICT for another pattern, UNSUPPORTED for what its pattern does not have.
 */
export function ensureChannel(db: Database, spec: ChannelSpec, operation: string): ChannelRow {
  if (!findChannel(db, spec.name)) {
    checkName('channel', spec.name)
    createChannel(db, spec)
  }
  const row = findChannel(db, spec.name) as ChannelRow
  if (row.pattern === spec.pattern) return row
  throw wrongPattern(operation, spec, row)
}

export function wrongPattern(
  operation: string,
  { name, pattern }: ChannelRef,
  found: ChannelRow,
): NarrowcastError {
  return new NarrowcastError(
    'CONFLICT',
    `file: ${operation}: channel "${name}" is a ${found.pattern}, wanted a ${pattern}`,
    { driver: 'file', channel: name, operation, hint: 'Use another name.' },
  )
}

/** What a broadcast or narrowcast does not have, because it keeps nothing. */
export function keepsNothing(
  operation: string,
  { name, pattern }: ChannelRef,
  what = 'this is for queues and streams',
): NarrowcastError {
  return new NarrowcastError(
    'UNSUPPORTED',
    `file: ${operation}: ${pattern} "${name}" keeps no messages: ${what}`,
    { driver: 'file', channel: name, operation },
  )
}

/** Inside a transaction. @throws UNSUPPORTED for what its pattern does not have. */
export function createChannel(db: Database, spec: ChannelSpec): void {
  const { ageMs, messages, bytes } = spec.retention
  if (isLive(spec.pattern) && (ageMs ?? messages ?? bytes ?? spec.dedupeWindowMs) !== null) {
    throw keepsNothing('ensure', spec, 'it has neither retention nor a dedupe window')
  }
  db.run(
    `INSERT INTO channel (name, pattern, age_ms, messages_max, bytes_max, dedupe_ms)
     VALUES (?, ?, ?, ?, ?, ?)`,
    spec.name,
    spec.pattern,
    ageMs,
    messages,
    bytes,
    spec.dedupeWindowMs,
  )
  if (spec.pattern === 'queue') {
    db.run(
      'INSERT INTO grp (channel, name, next_seq) SELECT no, ?, 1 FROM channel WHERE name = ?',
      queueGroup,
      spec.name,
    )
  }
}

export function findGroup(db: Database, channel: number, name: string): GroupRow | undefined {
  return db.get<GroupRow>(
    'SELECT no, name, next_seq FROM grp WHERE channel = ? AND name = ?',
    channel,
    name,
  )
}

export function theGroup(db: Database, channel: ChannelRow, name: string, operation: string) {
  const row = findGroup(db, channel.no, name)
  if (row) return row
  throw notFound(operation, channel.name, `stream "${channel.name}" has no group "${name}"`)
}

interface Difference {
  name: string
  wanted: string
  found: string
}

/** Every stored value that differs from what is wanted. */
export function differences(found: ChannelRow, wanted: ChannelSpec): Difference[] {
  const { retention } = wanted
  const shown = (value: number | null, unit: string) =>
    value === null ? 'off' : `${value}${unit && ` ${unit}`}`
  const pairs: [string, string, string][] = [
    ['pattern', wanted.pattern, found.pattern],
    ['retention.ageMs', shown(retention.ageMs, 'ms'), shown(found.age_ms, 'ms')],
    ['retention.messages', shown(retention.messages, ''), shown(found.messages_max, '')],
    ['retention.bytes', shown(retention.bytes, ''), shown(found.bytes_max, '')],
    ['dedupeWindowMs', shown(wanted.dedupeWindowMs, 'ms'), shown(found.dedupe_ms, 'ms')],
  ]
  return pairs.flatMap(([name, want, have]) =>
    want === have ? [] : [{ name, wanted: want, found: have }],
  )
}
