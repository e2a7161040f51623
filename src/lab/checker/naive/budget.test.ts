import { expect, test } from 'vitest'
import { accountOf, accountsOf, type Entry, type History, sent, together } from './smallHistory.ts'

const many = (count: number): History => ({
  ledgers: {
    'producer 0.0': Array.from({ length: count }, (_, at) => sent(at, 100 + at)).flat(),
  },
})
const inHand = (...sequences: number[]) =>
  sequences.map((sequence): Entry => ['recv', sequence, 120])
const live: History = { events: [['worker 9.0', 'SUBSCRIBED', 0]], ledgers: { 'worker 9.0': [] } }
const killed = (atMs: number, who = 'worker 0.0'): History => ({ events: [[who, 'KILL', atMs]] })
const max = (inHandMax: number): History => ({ terms: { inHandMax } })

test('a kill explains as many losses as a worker has in its hands', () => {
  const held: History = { ledgers: { 'worker 0.0': inHand(0, 1, 2) } }
  const { lost } = accountOf(together(many(3), live, held, killed(130), max(2)))
  expect(lost).toMatchObject({ byCause: { 'worker-killed': 2 }, unexplained: 1 })
})

test('the next event has room of its own', () => {
  const held: History = { ledgers: { 'worker 0.0': inHand(0, 1, 2) } }
  const stops: History = {
    events: [
      ['worker 0.0', 'STOP', 130],
      ['worker 0.0', 'STOP', 131],
    ],
  }
  const { lost } = accountOf(together(many(3), live, held, stops, max(2)))
  expect(lost).toMatchObject({ byCause: { 'worker-stopped': 3 }, unexplained: 0 })
})

test('the exit of what was killed is no other event', () => {
  const held: History = { ledgers: { 'worker 0.0': inHand(0, 1, 2) } }
  const exit: History = { events: [['worker 0.0', 'EXIT', 131]] }
  const { lost } = accountOf(together(many(3), live, held, killed(130), exit, max(2)))
  expect(lost).toMatchObject({ byCause: { 'worker-killed': 2 }, unexplained: 1 })
})

test('a stop has the same room', () => {
  const held: History = { ledgers: { 'worker 0.0': inHand(0, 1, 2) } }
  const stop: History = { events: [['worker 0.0', 'STOP', 130]] }
  const { lost } = accountOf(together(many(3), live, held, stop, max(1)))
  expect(lost).toMatchObject({ byCause: { 'worker-stopped': 1 }, unexplained: 2 })
})

test('losses come before repeats, in one account', () => {
  const held: History = { ledgers: { 'worker 0.0': inHand(0, 1) } }
  const again: History = {
    ledgers: {
      'worker 9.0': [
        ['recv', 0, 140],
        ['done', 0, 141],
      ],
    },
  }
  const history = together(many(2), live, held, again)
  const { lost, redelivered } = accountOf(together(history, killed(130), max(1)))
  expect([lost.byCause, redelivered.byCause]).toEqual([{ 'worker-killed': 1 }, {}])
  const roomy = accountOf(together(history, killed(130), max(2)))
  expect(roomy.redelivered.byCause).toEqual({ 'worker-killed': 1 })
})

test('what an event has explained once, it explains again for nothing', () => {
  const held: History = {
    ledgers: {
      'worker 0.0': [
        ['recv', 0, 120],
        ['recv', 0, 121],
      ],
    },
  }
  const again: History = {
    ledgers: {
      'worker 9.0': [
        ['recv', 0, 140],
        ['done', 0, 141],
      ],
    },
  }
  const span: History = { events: [['worker 0.0', 'KILL', 121, 130]] }
  const { redelivered } = accountOf(together(many(1), live, held, again, span, max(1)))
  expect(redelivered).toMatchObject({ total: 2, byCause: { 'worker-killed': 2 }, unexplained: 0 })
})

test('the loss that was sent first has the first claim', () => {
  const sends: History = { ledgers: { 'producer 0.0': [...sent(1, 100), ...sent(0, 105)] } }
  const held: History = {
    ledgers: { 'worker 0.0': inHand(0, 1), 'relay 0.0': [['taken', 0, 106]] },
  }
  const history = together(sends, live, held, killed(130), killed(130, 'relay 0.0'), max(1))
  const { lost } = accountOf(history)
  expect(lost).toMatchObject({ byCause: { 'worker-killed': 1, 'relay-killed': 1 }, unexplained: 0 })
})

test('the repeat that came first has the first claim', () => {
  const held: History = { ledgers: { 'worker 0.0': [...inHand(0, 1), ['revoke', null, 145]] } }
  const again: Entry[] = [
    ['recv', 1, 140],
    ['done', 1, 141],
    ['recv', 0, 150],
    ['done', 0, 151],
  ]
  const ledgers = { 'worker 9.0': again }
  const { redelivered } = accountOf(together(many(2), live, held, { ledgers }, killed(130), max(1)))
  expect(redelivered.byCause).toEqual({ 'worker-killed': 1, rebalance: 1 })
})

test('a cause that is not chosen costs nothing', () => {
  const held: History = {
    ledgers: {
      'worker 0.0': [...inHand(0), ['throw', 0, 121], ...inHand(1)],
      'worker 9.0': [
        ['recv', 0, 140],
        ['done', 0, 141],
        ['recv', 1, 142],
        ['done', 1, 143],
      ],
    },
  }
  const { redelivered } = accountOf(together(many(2), live, held, killed(130), max(1)))
  expect(redelivered.byCause).toEqual({ retry: 1, 'worker-killed': 1 })
})

test('each group has its own', () => {
  const ledgers = {
    'worker 9.0 of a': [],
    'worker 9.1 of b': [],
    'worker 0.0 of a': inHand(0),
    'worker 0.1 of b': inHand(1),
  }
  const events: History['events'] = [
    ['worker 9.0', 'SUBSCRIBED', 0],
    ['worker 9.1', 'SUBSCRIBED', 0],
  ]
  const history = together(many(2), { ledgers, events }, killed(130), killed(130, 'worker 0.1'))
  const found = accountsOf(together(history, max(1))).map(({ lost }) => lost.byCause)
  expect(found).toEqual([{ 'worker-killed': 1 }, { 'worker-killed': 1 }])
})

test('what a stop explains for nothing costs a later kill nothing', () => {
  const toWorker = { actor: 0, count: 0 }
  const routed = [0, 1].flatMap((sequence): Entry[] => [
    ['taken', sequence, 102],
    ['routed', sequence, 103, toWorker],
  ])
  const held: History = { ledgers: { 'relay 0.0': routed, 'worker 0.0': inHand(2) } }
  const events: History['events'] = [
    ['worker 0.0', 'STOP', 100],
    ['worker 0.0', 'CONT', 110],
  ]
  const { lost } = accountOf(together(many(3), live, held, { events }, killed(130), max(1)))
  expect(lost).toMatchObject({
    byCause: { 'worker-stopped': 2, 'worker-killed': 1 },
    unexplained: 0,
  })
})
