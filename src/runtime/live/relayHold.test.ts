import { expect, test } from 'vitest'
import type { IncomingMessage } from '../../core/message.ts'
import { RelayHold, type Waiting } from './relayHold.ts'

const waiting = (...ids: number[]): Waiting[] =>
  ids.map((id) => ({ message: { id: `m${id}` } as unknown as IncomingMessage, takenMs: id }))
const ids = (all: readonly Waiting[]) => all.map(({ message }) => message.id)

test('the newest wait, and what has to go for them is handed back', () => {
  const hold = new RelayHold({ messages: 3, ms: 100 })
  expect(ids(hold.put(waiting(1, 2), 10))).toEqual([])
  expect(ids(hold.put(waiting(3, 4), 10))).toEqual(['m1'])
  expect(hold.size).toBe(3)
  expect(ids(hold.takeAll())).toEqual(['m2', 'm3', 'm4'])
  expect(hold.size).toBe(0)
})

test('what has waited for so long is handed back', () => {
  const hold = new RelayHold({ messages: 3, ms: 100 })
  hold.put(waiting(1, 50), 60)
  expect(ids(hold.put(waiting(60), 101))).toEqual(['m1'])
  expect(ids(hold.takeAll())).toEqual(['m50', 'm60'])
})

test('nothing waits unless it was asked for', () => {
  const hold = new RelayHold(null)
  expect(ids(hold.put(waiting(1, 2), 10))).toEqual(['m1', 'm2'])
  expect(hold.size).toBe(0)
})
