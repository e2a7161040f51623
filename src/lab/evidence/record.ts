import type { GapWhy } from '../../core/driver.ts'

/**
 * One line of a ledger: 32 bytes, little-endian. What each number means depends on the type:
 *
 *  0 type u8 · 1 flags u8 · 2 actor u16 · 4 producer u16 · 6 incarnation u16 · 8 sequence u32
 * 12 key u16 · 14 count u16 · 16 time u64, monotonic nanoseconds · 24 position u64
 */
export const recordBytes = 32

/** The numbers are part of the file format. */
export const recordTypes = {
  /** Written before the send. count: attempt, from 1. position: intended time. */
  invoke: 1,
  /** flags: `duplicateFlag`. count: receivers, or `notTold`. position: of the broker, or 0. */
  ok: 2,
  /** Certainly not accepted. flags: error code. */
  fail: 3,
  /** Nobody knows. flags: error code. */
  info: 4,
  /** A handler is entered. count: delivery, from 1. position: of the broker, or 0. */
  recv: 16,
  /** The handler's last act: this is the effect. */
  done: 17,
  /** The handler failed. flags: error code, and `givenUpFlag`. */
  throw: 18,
  /** flags: index of `settlements`, and `lateFlag`. */
  settled: 19,
  /** position: partition. Of no message, as are revoke, cut and back. */
  assign: 20,
  revoke: 21,
  /** The broker has dropped this reader's connection … */
  cut: 22,
  /** … and has it again. */
  back: 23,
  /** The library said that the handler failed. flags: error code. */
  error: 24,
  /** The library said that a message in hand is no longer its own. flags: index of `losses`. */
  lost: 25,
  /** The event loop stood still until now. position: for how long, ns. Of no message. */
  stall: 26,
  /**
   * A live worker was told that it missed messages. count: how many, or `missedUnknown`. flags:
   * index of `gapReasons`. Of no message.
   */
  gap: 27,
  /** By a relay, before it acts. */
  taken: 32,
  /** actor: the worker chosen. count: its incarnation. */
  routed: 33,
  rerouted: 34,
  noWorker: 35,
  /** In the dead letters at the end. flags: index of `deadCauses`. count: failures. */
  dead: 48,
  /** Still in the broker at the end. */
  left: 49,
} as const

export type RecordType = keyof typeof recordTypes

export const settlements = ['ack', 'retry', 'dead', 'released'] as const
export const lateFlag = 0x80
/** Of a THROW: the message was taken from the handler, which gave up. That is no failed try. */
export const givenUpFlag = 0x80
export const losses = ['disconnected', 'revoked', 'expired', 'cancelled'] as const
export const gapReasons: readonly GapWhy[] = ['overflow', 'reconnect']
export const missedUnknown = 0xffff
/** What one GAP can say was missed; the rest stands in the next. */
export const gapMax = missedUnknown - 1
export const deadCauses = ['failures', 'crashes', 'verdict', 'invalid'] as const
/** The broker knew the id, and stored nothing new. */
export const duplicateFlag = 1
/** Receivers of a publish that its broker does not tell. */
export const notTold = 0xffff
/** Stands for a producer in records that are about no message. */
export const noProducer = 0xffff

export interface LedgerRecord {
  readonly type: RecordType
  readonly flags: number
  readonly actor: number
  readonly producer: number
  readonly incarnation: number
  readonly sequence: number
  readonly key: number
  readonly count: number
  readonly timeNs: bigint
  readonly position: bigint
}

export const typeNames: readonly (RecordType | undefined)[] = Array.from(
  { length: 256 },
  (_, code) => Object.keys(recordTypes).find((name) => recordTypes[name as RecordType] === code),
) as (RecordType | undefined)[]

export function writeRecord(view: DataView, at: number, record: LedgerRecord): void {
  view.setUint8(at, recordTypes[record.type])
  view.setUint8(at + 1, record.flags)
  view.setUint16(at + 2, record.actor, true)
  view.setUint16(at + 4, record.producer, true)
  view.setUint16(at + 6, record.incarnation, true)
  view.setUint32(at + 8, record.sequence, true)
  view.setUint16(at + 12, record.key, true)
  view.setUint16(at + 14, record.count, true)
  view.setBigUint64(at + 16, record.timeNs, true)
  view.setBigUint64(at + 24, record.position, true)
}

/** Null for a type that no version has written. */
export function readRecord(view: DataView, at: number): LedgerRecord | null {
  const type = typeNames[view.getUint8(at)]
  if (type === undefined) return null
  return {
    type,
    flags: view.getUint8(at + 1),
    actor: view.getUint16(at + 2, true),
    producer: view.getUint16(at + 4, true),
    incarnation: view.getUint16(at + 6, true),
    sequence: view.getUint32(at + 8, true),
    key: view.getUint16(at + 12, true),
    count: view.getUint16(at + 14, true),
    timeNs: view.getBigUint64(at + 16, true),
    position: view.getBigUint64(at + 24, true),
  }
}
