import { expect, test } from 'vitest'
import type { IncomingMessage } from '../../core/message.ts'
import { RelayHold, type Waiting } from './relayHold.ts'

const waiting = (...ids: number[]): Waiting[] =>
  ids.map((id) => ({ message: { id: `m${id}` } as unknown as IncomingMessage, takenMs: id }))
const ids = (all: readonly Waiting[]) => all.map(({ message }) => message.id)

test('the newest wait, and what has to go for them is handed back', () => {
  const hold = new RelayHold({ messages: 3, ms: 100 })
  hold.put(waiting(1, 2))
  expect(hold.takeOver(10, 9)).toEqual([])
  hold.put(waiting(3, 4))
  expect(ids(hold.takeOver(10, 9))).toEqual(['m1'])
  expect(hold.size).toBe(3)
  expect(ids(hold.take(9))).toEqual(['m2', 'm3', 'm4'])
  expect(hold.size).toBe(0)
})

test('what has waited for so long is handed back', () => {
  const hold = new RelayHold({ messages: 3, ms: 100 })
  hold.put(waiting(1, 50, 60))
  expect(ids(hold.takeOver(101, 9))).toEqual(['m1'])
  expect(ids(hold.take(9))).toEqual(['m50', 'm60'])
})

test('it gives so many at once, and takes back what could not go, before the rest', () => {
  const hold = new RelayHold({ messages: 5, ms: 100 })
  hold.put(waiting(1, 2, 3, 4))
  const batch = hold.take(3)
  expect(ids(batch)).toEqual(['m1', 'm2', 'm3'])
  hold.putBack(batch.slice(1))
  hold.put(waiting(5, 6, 7))
  expect(ids(hold.takeOver(8, 1))).toEqual(['m2'])
  expect(ids(hold.takeOver(8, 1))).toEqual([])
  expect(ids(hold.take(9))).toEqual(['m3', 'm4', 'm5', 'm6', 'm7'])
})

test('nothing waits unless it was asked for', () => {
  const hold = new RelayHold(null)
  hold.put(waiting(1, 2))
  expect(ids(hold.takeOver(10, 9))).toEqual(['m1', 'm2'])
  expect(hold.size).toBe(0)
})
