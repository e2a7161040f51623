import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  type LedgerRecord,
  type RecordType,
  readRecord,
  recordBytes,
  recordTypes,
  writeRecord,
} from './record.ts'

const u16 = fc.integer({ min: 0, max: 0xffff })
const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
const anyRecord = fc.record<LedgerRecord>({
  type: fc.constantFrom(...(Object.keys(recordTypes) as RecordType[])),
  flags: fc.integer({ min: 0, max: 0xff }),
  actor: u16,
  producer: u16,
  incarnation: u16,
  sequence: fc.integer({ min: 0, max: 0xffff_ffff }),
  key: u16,
  count: u16,
  timeNs: u64,
  position: u64,
})

test('a record is read as it was written, beside others', () => {
  fc.assert(
    fc.property(fc.array(anyRecord, { minLength: 1, maxLength: 5 }), (records) => {
      const view = new DataView(new ArrayBuffer(records.length * recordBytes))
      for (const [at, record] of records.entries()) writeRecord(view, at * recordBytes, record)
      const read = records.map((_, at) => readRecord(view, at * recordBytes))
      expect(read).toEqual(records)
    }),
  )
})

test('the bytes lie as the format says', () => {
  const view = new DataView(new ArrayBuffer(recordBytes))
  writeRecord(view, 0, {
    type: 'settled',
    flags: 0x81,
    actor: 0x0302,
    producer: 0x0504,
    incarnation: 0x0706,
    sequence: 0x0b0a0908,
    key: 0x0d0c,
    count: 0x0f0e,
    timeNs: 0x1716_1514_1312_1110n,
    position: 0x1f1e_1d1c_1b1a_1918n,
  })
  const expected = Array.from({ length: recordBytes }, (_, at) => at)
  expect([...new Uint8Array(view.buffer)]).toEqual([19, 0x81, ...expected.slice(2)])
})

test('a type that nobody writes is not read', () => {
  expect(readRecord(new DataView(new ArrayBuffer(recordBytes)), 0)).toBeNull()
})
