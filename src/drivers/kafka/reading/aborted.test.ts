import { expect, test } from 'vitest'
import type { RecordBatch } from '../cluster/requests.ts'
import { kept } from './aborted.ts'

const transactional = 1 << 4
const control = 1 << 5

const batch = (firstOffset: number, producerId: number, attributes = 0): RecordBatch => ({
  ...{ firstOffset: BigInt(firstOffset), length: 60, lastOffsetDelta: 1, attributes },
  ...{ producerId: BigInt(producerId), firstTimestamp: 0n, maxTimestamp: 0n, records: [] },
})
const offsets = (all: readonly RecordBatch[]) => all.map(({ firstOffset }) => Number(firstOffset))

test('what was taken back is left out up to the mark that says so, and so is every mark', () => {
  const all = [
    batch(0, 1),
    batch(2, 7, transactional),
    batch(4, 8, transactional),
    batch(6, 7, transactional | control),
    batch(8, 7, transactional),
    batch(10, 8, transactional | control),
    batch(12, 7, transactional | control),
  ]
  expect(offsets(kept(all, [{ producerId: 7n, firstOffset: 2n }]))).toEqual([0, 4, 8])
  expect(offsets(kept(all, []))).toEqual([0, 2, 4, 8])
})

test('what began before this answer is taken back from its beginning', () => {
  const all = [batch(20, 7, transactional), batch(22, 7, transactional | control), batch(24, 7)]
  expect(offsets(kept(all, [{ producerId: 7n, firstOffset: 3n }]))).toEqual([24])
})
