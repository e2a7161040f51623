import { expect, test } from 'vitest'
import type { PublishOutcome } from '../../../core/message.ts'
import { headerList } from '../wire/record.ts'
import { type Addressed, partsOf } from './parts.ts'

const one = (partition: number, bytes = 10, timestampMs = 0): Addressed => ({
  ...{ topic: 't', partition },
  record: { key: null, value: Buffer.alloc(bytes), headers: headerList([]), timestampMs },
})
const stored = (position: string): PublishOutcome => ({
  state: 'stored',
  duplicate: false,
  position,
})

test('each partition has one batch at a time, and each message its outcome', () => {
  const outcomes: PublishOutcome[] = []
  const rounds = partsOf([one(0), one(1), one(0)], outcomes)
  expect(rounds.map((round) => round.map(({ records }) => records.length))).toEqual([[2, 1]])
  for (const part of rounds.flat()) part.settle((at) => stored(`${part.partition}-${at}`))
  expect(outcomes).toEqual([stored('0-0'), stored('1-0'), stored('0-1')])
})

test('what is too much for one batch follows in the next, in order', () => {
  const all = Array.from({ length: 5 }, () => one(0, 400_000))
  const rounds = partsOf([...all, one(1)], [])
  expect(rounds.map((round) => round.map(({ records }) => records.length))).toEqual([
    [2, 1],
    [2],
    [1],
  ])
})

test('times that are further apart than the client can write are in batches of their own', () => {
  const day = 86_400_000
  const rounds = partsOf([one(0, 1, 0), one(0, 1, 24 * day), one(0, 1, 25 * day)], [])
  expect(rounds.map((round) => round.map(({ records }) => records.length))).toEqual([[2], [1]])
})

test('in halves each message keeps its outcome', () => {
  const outcomes: PublishOutcome[] = []
  const [[part]] = partsOf([one(0), one(0), one(0)], outcomes) as [
    [ReturnType<typeof partsOf>[0][0]],
  ]
  const [first, second] = part?.halves() ?? []
  first?.settle(() => stored('first'))
  second?.settle((at) => stored(`second ${at}`))
  expect(outcomes).toEqual([stored('first'), stored('second 0'), stored('second 1')])
})
