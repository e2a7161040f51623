import { recordBytes } from '../evidence/record.ts'

/** One record at a time, read in place: millions of objects would cost more than all else. */
export interface RecordCursor {
  type: number
  flags: number
  actor: number
  producer: number
  incarnation: number
  sequence: number
  key: number
  count: number
  /** Since the base of the history. */
  timeNs: number
  positionLow: number
  positionHigh: number
}

/** Calls back for each whole record. The cursor is the same each time. */
export function eachRecord(
  bytes: Uint8Array,
  baseNs: bigint,
  visit: (record: RecordCursor) => void,
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const baseLow = Number(baseNs & 0xffff_ffffn)
  const baseHigh = Number(baseNs >> 32n)
  const record: RecordCursor = { ...nothing }
  const end = bytes.byteLength - (bytes.byteLength % recordBytes)
  for (let at = 0; at < end; at += recordBytes) {
    record.type = view.getUint8(at)
    record.flags = view.getUint8(at + 1)
    record.actor = view.getUint16(at + 2, true)
    record.producer = view.getUint16(at + 4, true)
    record.incarnation = view.getUint16(at + 6, true)
    record.sequence = view.getUint32(at + 8, true)
    record.key = view.getUint16(at + 12, true)
    record.count = view.getUint16(at + 14, true)
    record.timeNs =
      (view.getUint32(at + 20, true) - baseHigh) * 4_294_967_296 +
      (view.getUint32(at + 16, true) - baseLow)
    record.positionLow = view.getUint32(at + 24, true)
    record.positionHigh = view.getUint32(at + 28, true)
    visit(record)
  }
}

const nothing: RecordCursor = {
  type: 0,
  flags: 0,
  actor: 0,
  producer: 0,
  incarnation: 0,
  sequence: 0,
  key: 0,
  count: 0,
  timeNs: 0,
  positionLow: 0,
  positionHigh: 0,
}
