import { expect, test } from 'vitest'
import type { RunTerms } from '../termsOf.ts'
import { judge, judgeBroadcast } from './judge.ts'
import { down, type Entry, type History, questionOf, sent, together } from './naive/smallHistory.ts'

/** Sent one a millisecond; each is done by two workers in turn 2 ms later. */
function calm(count: number): History {
  const all = Array.from({ length: count }, (_, sequence) => sequence)
  const sends = all.flatMap((sequence): Entry[] => [
    ['invoke', sequence, 100 + sequence, { position: BigInt(100 + sequence) * 1_000_000n }],
    ['ok', sequence, 101 + sequence, { count: 1 }],
  ])
  const work = (turn: number) =>
    all
      .filter((sequence) => sequence % 2 === turn)
      .flatMap((sequence): Entry[] => [
        ['recv', sequence, 102 + sequence],
        ['done', sequence, 102 + sequence],
      ])
  return {
    ledgers: { 'producer 0.0': sends, 'worker 0.0': work(0), 'worker 1.0': work(1) },
    events: [
      ['worker 0.0', 'SUBSCRIBED', 90],
      ['worker 1.0', 'SUBSCRIBED', 90],
    ],
  }
}

function asked(history: History) {
  const [evidence, terms, guardMs] = questionOf(history)
  const run: RunTerms = { terms, unknown: [], order: 'none' }
  return { evidence, run, guardMs }
}

test('beside the account stand evenness, recovery and latency', () => {
  const { events = [], ledgers = {} } = calm(400)
  const stopped: History = {
    ledgers,
    events: [...events, ['worker 1.0', 'STOP', 200], ['worker 1.0', 'CONT', 220]],
  }
  const { evidence, run, guardMs } = asked(stopped)
  const { groups, publishLatency, baseNs } = judge(evidence, run, guardMs, [])
  expect(baseNs).toBe(90_000_000n)
  expect(groups[0]?.evenness.map(({ workers, counts }) => [workers, counts])).toEqual([
    [[0, 1], expect.anything()],
    [[0], expect.anything()],
    [[0, 1], expect.anything()],
  ])
  expect(groups[0]?.recovery).toMatchObject([{ fault: 'stop', rtoConsumeMs: 1 }])
  expect(groups[0]?.deliveryLatency).toMatchObject({ done: { p50: 2 } })
  expect(publishLatency).toMatchObject({ response: { p50: 1, unanswered: 0 } })
})

test('a broadcast owes every subscriber all, and a miss is a check of its own', () => {
  const { evidence, run, guardMs } = asked(calm(6))
  const judged = judgeBroadcast(evidence, run, guardMs, [{ is: 'everyWorkerDone', atLeast: 1 }])
  expect(judged.account.subscribers.map(({ owed, missed }) => [owed, missed.total])).toEqual([
    [6, 3],
    [6, 3],
  ])
  const violated = judged.checks.filter(({ status }) => status === 'violated')
  expect(violated.map(({ id }) => id)).toEqual(['missed-0', 'missed-1'])
  expect(judged.bites).toMatchObject([{ seen: 3 }])
  expect([judged.ownEnds, judged.publishLatency.response.p50]).toEqual([[], 1])
})

const violated = (history: History) => {
  const { evidence, run, guardMs } = asked(history)
  return judge(evidence, run, guardMs, []).groups.flatMap(({ checks }) =>
    checks.flatMap(({ id, status }) => (status === 'violated' ? id : [])),
  )
}

test('one place holds one message, but for a broker that has lost its tail', () => {
  const at = (sequence: number, position: bigint): Entry[] => [
    ['invoke', sequence, 100 + sequence],
    ['ok', sequence, 100 + sequence, { count: 1, position }],
  ]
  const done = [0, 1].flatMap((sequence): Entry[] => [
    ['recv', sequence, 102 + sequence],
    ['done', sequence, 102 + sequence],
  ])
  const stored = (other: bigint): History => ({
    ledgers: { 'producer 0.0': [...at(0, 5n), ...at(1, other)], 'worker 0.0': done },
  })
  expect([violated(stored(6n)), violated(stored(5n))]).toEqual([[], ['place']])
  expect(violated(together(stored(5n), down('crash', 104)))).toEqual([])
  const { evidence, run } = asked(stored(5n))
  expect(judge(evidence, run, 0, []).groups[0]?.positions).toMatchObject({ conflict: 1 })
})

test('who was subscribed has a ledger, or there is no evidence', () => {
  const gone: History = together(calm(2), { events: [['worker 2.1', 'SUBSCRIBED', 95]] })
  const { evidence, run } = asked(gone)
  const error = expect.objectContaining({
    code: 'INTERNAL',
    message: expect.stringContaining('worker 2, start 1, was subscribed and has no ledger'),
  })
  expect(() => judge(evidence, run, 0, [])).toThrow(error)
  expect(() => judgeBroadcast(evidence, run, 0, [])).toThrow(error)
})

test('the guard grows with how late event loops were, but not by what was stopped', () => {
  const stall = (atMs: number, ms: number): Entry => [
    'stall',
    null,
    atMs,
    { position: BigInt(ms) * 1_000_000n },
  ]
  const guard = (entries: Entry[], events: History['events'] = []) => {
    const { evidence, run } = asked({ ledgers: { 'worker 0.0': entries }, events })
    const judged = [judge, judgeBroadcast].map((of) => of(evidence, run, 250, []).guardMs)
    expect(judged[0]).toBe(judged[1])
    return judged[0]
  }
  const from: Entry = ['recv', 0, 0]
  expect(guard([from])).toBe(250)
  // In 4 s it looks 200 times: two may be later than the 99th of 100.
  const late = [stall(1_000, 300), stall(2_000, 500), stall(4_000, 80)]
  expect(guard([from, ...late])).toBe(330)
  expect(guard([from, stall(1_900, 300)])).toBe(550)
  const stop: History['events'] = [
    ['worker 0.0', 'STOP', 1_590],
    ['worker 0.0', 'CONT', 1_610],
  ]
  expect(guard([from, stall(1_900, 300)], stop)).toBe(250)
  const block: History['events'] = [
    ['worker 0.0', 'BLOCK', 1_590],
    ['worker 0.0', 'UNBLOCK', 1_910],
  ]
  expect(guard([from, stall(1_900, 300)], block)).toBe(250)
})

test('a killed worker excuses as many repeats as it can have had in hand, and no more', () => {
  const inHandMax = 4
  const all = Array.from({ length: 3 * inHandMax }, (_, sequence) => sequence)
  const of = (atMs: number) =>
    all.flatMap((sequence): Entry[] => [
      ['recv', sequence, atMs],
      ['done', sequence, atMs],
    ])
  const again: History = {
    ledgers: {
      'producer 0.0': all.flatMap((sequence) => sent(sequence, 100 + 4 * sequence)),
      'worker 0.0': of(200),
      'worker 1.0': of(300),
    },
    events: [['worker 0.0', 'KILL', 250]],
    terms: { inHandMax },
  }
  const { evidence, run } = asked(again)
  const [group] = judge(evidence, run, 0, []).groups
  const repeats = { total: 12, byCause: { 'worker-killed': inHandMax }, unexplained: 8 }
  expect(group?.account).toMatchObject({ redelivered: repeats, reprocessed: repeats })
  expect(violated(again)).toEqual(['redelivered', 'reprocessed'])
})

test('a stall with one publish in flight is in the response of all that waited for it', () => {
  // Ten a second for a minute, each answered in 1 ms, but for 1.4 s twice: the next waits so long.
  let freeMs = 0
  const sends = Array.from({ length: 600 }, (_, sequence): Entry[] => {
    const intendedMs = 1_000 + 100 * sequence
    const sentMs = Math.max(intendedMs, freeMs)
    freeMs = sentMs + (sequence % 300 === 150 ? 1_400 : 1)
    return [
      ['invoke', sequence, sentMs, { position: BigInt(intendedMs) * 1_000_000n }],
      ['ok', sequence, freeMs, { count: 1 }],
    ]
  })
  const { evidence, run } = asked({ ledgers: { 'producer 0.0': sends.flat() } })
  const { response, service } = judge(evidence, run, 0, []).publishLatency
  expect(response.p99 ?? 0).toBeGreaterThan(50 * (service.p99 ?? Number.POSITIVE_INFINITY))
})
