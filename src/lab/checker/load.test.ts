import { describe, expect, test } from 'vitest'
import type { Evidence, LabEvent, LedgerFile, Sidecar } from '../evidence/evidence.ts'
import { type LedgerRecord, recordBytes, writeRecord } from '../evidence/record.ts'
import { marks, told } from './history.ts'
import { loadHistory } from './load.ts'

const bootNs = 9_000_000_000_000_000n // more than a number holds exactly, after 104 days
const producer = { role: 'producer', actor: 1 } as const
const worker = { role: 'worker', actor: 0 } as const

type Line = Partial<LedgerRecord> & Pick<LedgerRecord, 'type'>

function ledger(whose: Partial<Sidecar>, lines: readonly Line[]): LedgerFile {
  const sidecar: Sidecar = {
    ...{ role: 'worker', actor: 0, incarnation: 0, pid: 1, group: null, codes: [] },
    ...whose,
  }
  const bytes = new Uint8Array(lines.length * recordBytes)
  lines.forEach((line, at) => {
    writeRecord(new DataView(bytes.buffer), at * recordBytes, {
      ...{ flags: 0, actor: sidecar.actor, producer: 1, incarnation: 0, sequence: 0 },
      ...{ key: 0, count: 1, position: bootNs, ...line, timeNs: bootNs + (line.timeNs ?? 0n) },
    })
  })
  return { sidecar, bytes }
}

const run = (ledgers: LedgerFile[], events: LabEvent[] = []): Evidence => ({
  ledgers,
  events,
  depth: [],
})

test('lays out by message what the ledgers say, in times that are exact', () => {
  const { history } = loadHistory(
    run(
      [
        ledger(producer, [
          { type: 'invoke', key: 7, position: bootNs - 5n, timeNs: 1n },
          { type: 'fail', timeNs: 2n },
          { type: 'invoke', key: 7, position: bootNs, timeNs: 3n },
          { type: 'ok', count: 0, timeNs: 4n },
          { type: 'invoke', sequence: 2, timeNs: 5n },
        ]),
        ledger(worker, [
          { type: 'recv', timeNs: 8n },
          { type: 'done', timeNs: 9n },
          { type: 'settled', flags: 0x80, timeNs: 10n },
          { type: 'recv', sequence: 1, timeNs: 11n },
        ]),
        ledger({ role: 'deadReader', actor: 4 }, [{ type: 'dead', sequence: 2, timeNs: 20n }]),
      ],
      [{ event: 'READY', ...worker, incarnation: 0, fromNs: bootNs, toNs: bootNs + 1n }],
    ),
  )
  expect(history.baseNs).toBe(bootNs)
  expect(history.origins).toEqual([{ producer: 1, incarnation: 0, first: 0, count: 3 }])
  expect([...history.attempts]).toEqual([2, 0, 1])
  expect([...history.told]).toEqual([told.fail | told.ok | told.noReceiver, 0, told.info])
  expect([history.key[0], history.intendedNs[0], history.sentNs[0]]).toEqual([7, -5, 1])
  expect([...history.okNs]).toEqual([4, Number.NaN, Number.NaN])
  const [group] = history.groups
  expect([...(group?.received ?? [])]).toEqual([1, 0, 0])
  expect([group?.firstReceivedNs[0], group?.firstDoneNs[0], group?.firstDoneBy[0]]).toEqual([
    8, 9, 1,
  ])
  expect([...(group?.dead ?? [])]).toEqual([0, 0, 1])
  expect([group?.late, group?.unexpected]).toEqual([1, 1]) // nobody published sequence 1
  const actor = { ...worker, incarnation: 0 }
  expect(history.events).toEqual([{ event: 'READY', actor, how: null, fromNs: 0, toNs: 1 }])
})

test('however often it was tried, one attempt without an answer is one of which nobody knows', () => {
  const refused: Line[] = Array.from(
    { length: 300 },
    () => [{ type: 'invoke' }, { type: 'fail' }] as const,
  ).flat()
  const { history } = loadHistory(run([ledger(producer, [...refused, { type: 'invoke' }])]))
  expect(history.attempts[0]).toBe(301)
  expect(history.told[0]).toBe(told.fail | told.info)
})

test('every prefix of a ledger can be read', () => {
  const whole = ledger(producer, [{ type: 'invoke' }, { type: 'ok', timeNs: 1n }])
  for (let length = 0; length <= whole.bytes.length; length++) {
    const { history } = loadHistory(run([{ ...whole, bytes: whole.bytes.slice(0, length) }]))
    const expected =
      length < recordBytes ? undefined : length < 2 * recordBytes ? told.info : told.ok
    expect(history.told[0], `${length} bytes`).toBe(expected)
  }
})

test('a file need not begin at a multiple of anything in memory', () => {
  const whole = ledger(producer, [{ type: 'invoke' }, { type: 'ok', timeNs: 1n }])
  const moved = new Uint8Array(whole.bytes.length + 3)
  moved.set(whole.bytes, 3)
  const { history } = loadHistory(run([{ ...whole, bytes: moved.subarray(3) }]))
  expect([...history.told]).toEqual([told.ok])
})

describe('evidence that contradicts itself is no evidence:', () => {
  const invoke: Line = { type: 'invoke' }

  test.for([
    [
      'a record that another has written',
      [ledger(producer, [{ ...invoke, actor: 2 }])],
      'ledger of producer 1, start 0: record 0 says that producer 2 wrote it',
    ],
    [
      'a record of a type that its role does not write',
      [ledger(producer, [invoke, { type: 'done' }])],
      'ledger of producer 1, start 0: record 1 is of type done, which a producer does not write',
    ],
    [
      'a time that goes back',
      [
        ledger(worker, [
          { type: 'recv', timeNs: 9n },
          { type: 'done', timeNs: 8n },
        ]),
      ],
      'ledger of worker 0, start 0: record 1 is earlier than the one before',
    ],
    [
      'an outcome of what was never attempted',
      [ledger(producer, [invoke, { type: 'ok', sequence: 1 }])],
      'an outcome of message 1 of producer 1, start 0, which has no such attempt',
    ],
    [
      'more outcomes than attempts',
      [ledger(producer, [invoke, { type: 'fail' }, { type: 'ok' }])],
      'an outcome of message 0 of producer 1, start 0, which has no such attempt',
    ],
  ] as const)('%s', ([_, ledgers, text]) => {
    expect(() => loadHistory(run([...ledgers]))).toThrow(
      expect.objectContaining({ code: 'INTERNAL', message: expect.stringContaining(text) }),
    )
  })

  test('a type that no version writes', () => {
    const damaged = ledger(producer, [invoke])
    damaged.bytes[0] = 200
    expect(() => loadHistory(run([damaged]))).toThrow('is of type 200, which a producer')
  })

  test('but a relay names the worker that it chose', () => {
    const relay = ledger({ role: 'relay', actor: 0 }, [{ type: 'routed', actor: 3 }])
    expect(() => loadHistory(run([relay]))).not.toThrow()
  })
})

test('marks what had been delivered before the delivery that was done first', () => {
  const at = (type: 'recv' | 'done', sequence: number, timeNs: bigint) => ({
    type,
    sequence,
    timeNs,
  })
  const { history } = loadHistory(
    run([
      ledger(
        producer,
        [0, 1, 2, 3, 4].map((sequence) => ({ type: 'invoke', sequence, timeNs: 1n })),
      ),
      ledger(worker, [
        ...[at('recv', 0, 10n), at('done', 0, 11n), at('recv', 0, 12n)], // again, after it was done
        ...[at('recv', 1, 20n), at('recv', 1, 21n), at('done', 1, 22n)],
        ...[at('recv', 2, 30n), at('recv', 3, 30n), at('done', 3, 35n)],
        at('recv', 4, 40n),
      ]),
      ledger({ ...worker, actor: 1 }, [
        ...[at('recv', 0, 20n), at('done', 0, 21n)],
        ...[at('recv', 2, 31n), at('done', 2, 32n)],
        ...[at('recv', 3, 33n), at('done', 3, 36n)],
        at('recv', 4, 41n),
      ]),
    ]),
  )
  expect([...(history.groups[0]?.marks ?? [])]).toEqual([
    ...[0, marks.redelivered, marks.redelivered],
    ...[0, 0],
  ])
})
