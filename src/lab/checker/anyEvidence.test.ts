import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { LedgerFile } from '../evidence/evidence.ts'
import { type LedgerRecord, readRecord, recordBytes } from '../evidence/record.ts'
import { anyEvidence } from './anyEvidence.ts'
import { naiveBroadcast } from './naive/broadcast.ts'
import { naiveAccount } from './naive.ts'

const seed = 1

function recordsOf({ bytes }: LedgerFile): LedgerRecord[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Array.from({ length: Math.floor(bytes.length / recordBytes) }, (_, at) =>
    readRecord(view, at * recordBytes),
  ).filter((record) => record !== null)
}

function isInOrder(times: readonly bigint[]): boolean {
  return times.every((time, at) => at === 0 || time >= (times[at - 1] ?? 0n))
}

test('ledgers and events are in order of time, and records of their writer', () => {
  fc.assert(
    fc.property(anyEvidence, ({ evidence }) => {
      expect(isInOrder(evidence.events.map(({ fromNs }) => fromNs))).toBe(true)
      for (const ledger of evidence.ledgers) {
        const records = recordsOf(ledger)
        expect(isInOrder(records.map(({ timeNs }) => timeNs))).toBe(true)
        const own = records.filter(({ type }) => type !== 'routed' && type !== 'rerouted')
        expect(own.filter(({ actor }) => actor !== ledger.sidecar.actor)).toEqual([])
      }
    }),
    { seed },
  )
})

test('outcomes come after an INVOKE, and sequences have no gap', () => {
  fc.assert(
    fc.property(anyEvidence, ({ evidence }) => {
      const sequences = new Map<string, Set<number>>()
      for (const ledger of evidence.ledgers) {
        const open = new Map<string, number>()
        for (const { type, producer, incarnation, sequence } of recordsOf(ledger)) {
          const start = `${producer}.${incarnation}`
          const message = `${start}.${sequence}`
          if (type === 'invoke') {
            open.set(message, (open.get(message) ?? 0) + 1)
            sequences.set(start, (sequences.get(start) ?? new Set()).add(sequence))
          }
          if (type === 'ok' || type === 'fail' || type === 'info') {
            expect(open.get(message)).toBeGreaterThan(0)
            open.set(message, (open.get(message) ?? 0) - 1)
          }
        }
      }
      for (const each of sequences.values()) expect(Math.max(...each)).toBe(each.size - 1)
    }),
    { seed },
  )
})

/** `lost.byCause.retention` for each number that is not zero. */
function* namesOf(value: object, before = ''): Generator<string> {
  for (const [name, inner] of Object.entries(value)) {
    if (typeof inner === 'number' && inner !== 0) yield before + name
    if (typeof inner === 'object' && inner !== null && name !== 'sample') {
      yield* namesOf(inner, `${before}${name}.`)
    }
  }
}

const fields = [
  ...['attempted', 'acknowledged', 'failed', 'indeterminate', 'delivered', 'processed', 'dead'],
  ...['residual', 'stuck', 'unsettled', 'recovered', 'phantom', 'unexpected', 'late', 'overlap'],
  ...['deadUnfounded', 'retriedBeyond', 'lateUnfounded', 'leftAcked', 'ackedBeyond'],
  ...['storedTwice', 'effectNotOne', 'lost.total', 'lost.broker', 'lost.worker', 'lost.reported'],
  ...['lost.silent', 'lost.prefix', 'lost.middle', 'lost.postfix', 'lost.bursts'],
  ...['lost.longestBurst', 'lost.unexplained', 'redelivered.total', 'redelivered.unexplained'],
  ...['reprocessed.total', 'reprocessed.unexplained'],
]
const lossCauses = [
  ...['handler-failed', 'no-worker', 'worker-killed', 'worker-stopped', 'relay-killed', 'cut-off'],
  ...['network', 'broker-stop', 'broker-crash', 'retention', 'overflow'],
]
const repeatCauses = [
  ...['retry', 'released', 'worker-killed', 'worker-stopped', 'cut-off', 'network', 'rebalance'],
  ...['broker-stop', 'broker-crash', 'lease-expired', 'producer-retry'],
]

test('every figure and every cause is seen in one of a hundred, and more', {
  timeout: 60_000,
}, () => {
  const numRuns = 2000
  const counts = new Map<string, number>()
  for (const { evidence, terms, guardMs } of fc.sample(anyEvidence, { numRuns, seed })) {
    const accounts = naiveAccount(evidence, terms, guardMs)
    const seen = new Set(accounts.flatMap((account) => [...namesOf(account)]))
    if (accounts.length > 1) seen.add('two groups')
    if (accounts.some(({ lost }) => lost.total > lost.sample.length)) seen.add('cut sample')
    for (const name of seen) counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  const expected = [
    ...fields,
    ...lossCauses.map((cause) => `lost.byCause.${cause}`),
    ...repeatCauses.map((cause) => `redelivered.byCause.${cause}`),
    ...repeatCauses.map((cause) => `reprocessed.byCause.${cause}`),
    ...['two groups', 'cut sample'],
  ]
  expect(expected.filter((name) => (counts.get(name) ?? 0) < numRuns / 100)).toEqual([])
})

const missCauses = [
  'overflow',
  'worker-killed',
  'cut-off',
  'network',
  'broker-stop',
  'broker-crash',
]

test('every figure of a broadcast is seen in one of fifty, and more', {
  timeout: 60_000,
}, () => {
  const numRuns = 1000
  const counts = new Map<string, number>()
  for (const { evidence, terms, guardMs } of fc.sample(anyEvidence, { numRuns, seed })) {
    const { subscribers, ...published } = naiveBroadcast(evidence, terms, guardMs)
    const seen = new Set([published, ...subscribers].flatMap((part) => [...namesOf(part)]))
    for (const name of seen) counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  const expected = [
    ...['phantom', 'unheard.reported', 'unheard.silent', 'owed', 'edge', 'delivered'],
    ...['missed.total', 'missed.unexplained', 'extra.total', 'extra.unexplained', 'unexpected'],
    ...missCauses.map((cause) => `missed.byCause.${cause}`),
    ...repeatCauses.map((cause) => `extra.byCause.${cause}`),
  ]
  expect(expected.filter((name) => (counts.get(name) ?? 0) < numRuns / 50)).toEqual([])
  const silent = ['no-worker', ...missCauses.slice(1)]
  const rare = silent.map((cause) => `unheard.silentByCause.${cause}`)
  expect(rare.filter((name) => !counts.has(name))).toEqual([])
})
