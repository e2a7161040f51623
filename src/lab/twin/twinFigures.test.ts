import { expect, it } from 'vitest'
import type { LedgerFile, Sidecar } from '../evidence/evidence.ts'
import { type LedgerRecord, recordBytes, writeRecord } from '../evidence/record.ts'
import { twinFiguresOf } from './twinFigures.ts'

const second = 1_000_000_000n
const zeroNs = 9n * second
const messages = 11

type Line = Pick<LedgerRecord, 'type' | 'sequence' | 'timeNs'>

/** Ten a second, the first at 0. */
const dueNs = (sequence: number) => (BigInt(sequence) * second) / 10n

function ledger(whose: Pick<Sidecar, 'role' | 'actor' | 'group'>, lines: Line[]): LedgerFile {
  const bytes = new Uint8Array(lines.length * recordBytes)
  lines.forEach((line, at) => {
    writeRecord(new DataView(bytes.buffer), at * recordBytes, {
      ...{ flags: 0, actor: whose.actor, producer: 1, incarnation: 0, key: 0, count: 1 },
      ...{ position: zeroNs + dueNs(line.sequence), ...line, timeNs: zeroNs + line.timeNs },
    })
  })
  return { sidecar: { incarnation: 0, pid: 1, codes: [], ...whose }, bytes }
}

function producer(lateMs: number): LedgerFile {
  const all = Array.from({ length: messages }, (_, sequence): Line[] => {
    const sentNs = dueNs(sequence) + BigInt(lateMs) * 1_000_000n
    return [
      { type: 'invoke', sequence, timeNs: sentNs },
      { type: 'ok', sequence, timeNs: sentNs + 1_000_000n },
    ]
  })
  return ledger({ role: 'producer', actor: 1, group: null }, all.flat())
}

function worker(group: string | null, actor: number, afterMs: number, sequences: number[]) {
  const lines = sequences.flatMap((sequence): Line[] => {
    const timeNs = dueNs(sequence) + BigInt(afterMs) * 1_000_000n
    return [
      { type: 'recv', sequence, timeNs },
      { type: 'done', sequence, timeNs },
    ]
  })
  return ledger({ role: 'worker', actor, group }, lines)
}

const figures = (ledgers: LedgerFile[], isBroadcast = false) =>
  twinFiguresOf({ evidence: { ledgers, events: [], depth: [] }, zeroNs }, isBroadcast)

const each = Array.from({ length: messages }, (_, sequence) => sequence)

it('say what was acknowledged, lost and repeated over all groups, and the slowest group', () => {
  const few = each.slice(0, -1)
  const all = [
    producer(0),
    worker('a', 2, 3, each),
    worker('b', 3, 7, few),
    worker('b', 4, 20, [5]),
  ]
  expect(figures(all)).toMatchObject({ acknowledged: messages, lost: 1, repeated: 1, p50Ms: 7 })
})

it('count a subscriber of a broadcast as a group by itself, and time it until the answer', () => {
  const all = [producer(0), worker(null, 2, 5, each), worker(null, 3, 5, [0])]
  expect(figures(all, true)).toMatchObject({ lost: messages - 1, repeated: 0, p50Ms: 1, p99Ms: 1 })
})

it('have no times where the load came too late, nor where one was never delivered in time', () => {
  const late = figures([producer(60), worker(null, 2, 65, each)])
  expect(late).toMatchObject({ acknowledged: messages, lost: 0, p50Ms: null, p99Ms: null })
  const short = figures([producer(0), worker(null, 2, 5, each.slice(0, -1))])
  expect(short).toMatchObject({ p50Ms: 5, p99Ms: null })
})

it('have a rate of what was done', () => {
  expect(figures([producer(0), worker(null, 2, 5, each)]).perSecond).toBeCloseTo(10)
})
