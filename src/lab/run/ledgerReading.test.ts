import { expect, test } from 'vitest'
import { fromTheBeginning } from '../actor/producer.ts'
import type { Entry } from '../evidence/entry.ts'
import { inHand, lastNs, resumedFrom } from './ledgerReading.ts'
import { MemoryLedger } from './memoryLedger.ts'

const sidecar = { actor: 0, incarnation: 1, pid: 1, group: null, codes: [] }

function ledger(role: 'producer' | 'worker', entries: readonly Entry[]) {
  const written = new MemoryLedger({ ...sidecar, role })
  for (const [at, entry] of entries.entries()) written.write(entry, BigInt(at + 1))
  return written.file()
}

const about = (sequence: number, incarnation = 1) => ({
  message: { producer: 0, incarnation, sequence },
})

test('a worker has in hand what it was handed and has not ended', () => {
  const entries: Entry[] = [
    { type: 'recv', ...about(0) },
    { type: 'recv', ...about(1) },
    { type: 'recv', ...about(2) },
    { type: 'done', ...about(0) },
    { type: 'throw', ...about(1) },
    { type: 'settled', ...about(0) },
  ]
  expect(inHand(ledger('worker', entries))).toBe(1)
})

test('what was written last tells when its actor was last alive', () => {
  const file = ledger('worker', [
    { type: 'recv', ...about(0) },
    { type: 'done', ...about(0) },
  ])
  expect(lastNs(file)).toBe(2n)
  const torn = { ...file, bytes: Buffer.concat([file.bytes, new Uint8Array(7)]) }
  expect(lastNs(torn)).toBe(2n)
  expect(lastNs(ledger('worker', []))).toBeNull()
})

test('a producer goes on behind the last place it has sent, and sends again what is open', () => {
  const entries: Entry[] = [
    { type: 'invoke', ...about(0) },
    { type: 'ok', ...about(0) },
    { type: 'invoke', ...about(1) },
    { type: 'invoke', ...about(2) },
    { type: 'fail', ...about(2) },
    { type: 'invoke', ...about(3) },
    { type: 'info', ...about(3) },
  ]
  expect(resumedFrom(ledger('producer', entries), { places: 100, open: [] })).toEqual({
    places: 104,
    open: [{ identity: { producer: 0, incarnation: 1, sequence: 1 }, place: 101 }],
  })
  expect(resumedFrom(ledger('producer', []), fromTheBeginning)).toEqual(fromTheBeginning)
})

test('what an earlier start has left open stays open until it is answered', () => {
  const identity = (sequence: number) => ({ producer: 0, incarnation: 0, sequence })
  const before = {
    places: 10,
    open: [
      { identity: identity(8), place: 8 },
      { identity: identity(9), place: 9 },
    ],
  }
  const entries: Entry[] = [
    { type: 'invoke', ...about(8, 0) },
    { type: 'ok', ...about(8, 0) },
    { type: 'invoke', ...about(9, 0) },
  ]
  expect(resumedFrom(ledger('producer', entries), before)).toEqual({
    places: 10,
    open: [{ identity: identity(9), place: 9 }],
  })
})
