import { describe, expect, test } from 'vitest'
import { notTold } from '../../evidence/record.ts'
import { accountOf, at, type Entry, type History, together, worker } from './smallHistory.ts'

/** One message, published at 100 and again at 105, with these answers. */
const published = (...answers: [Entry[0], Entry[3]?][]): History => ({
  ledgers: {
    'producer 0.0': answers.flatMap(([type, more = {}], attempt): Entry[] => [
      ['invoke', 0, 100 + 5 * attempt],
      [type, 0, 104 + 5 * attempt, { count: notTold, ...more }],
    ]),
  },
})
const elsewhere: History = { ledgers: { 'worker 1.0': [['recv', 0, 130]] } }
const killed = at('KILL', 120)

describe('an ack does not say of which copy it is', () => {
  const both: Entry[] = [
    ['recv', 0, 110],
    ['recv', 0, 111],
    ['done', 0, 112],
    ['settled', 0, 113],
  ]
  const twice = published(['ok'], ['ok'])

  test('one ack for two copies leaves one in hand', () => {
    const { redelivered } = accountOf(together(twice, worker(...both), killed, elsewhere))
    expect(redelivered).toMatchObject({
      byCause: { 'producer-retry': 1, 'worker-killed': 1 },
      unexplained: 0,
    })
  })

  test('two acks leave none', () => {
    const acked = worker(...both, ['done', 0, 114], ['settled', 0, 115])
    const { redelivered } = accountOf(together(twice, acked, killed, elsewhere))
    expect(redelivered).toMatchObject({ byCause: { 'producer-retry': 1 }, unexplained: 1 })
  })

  test('of a single copy one ack is enough', () => {
    const { redelivered } = accountOf(
      together(published(['ok']), worker(...both), killed, elsewhere),
    )
    expect(redelivered.unexplained).toBe(2)
  })
})

test.for<[string, History, number]>([
  ['two that were stored', published(['ok'], ['ok']), 0],
  ['one of which nobody knows', published(['ok'], ['info']), 0],
  ['one that was refused', published(['fail'], ['ok']), 1],
  ['one that the broker knew', published(['ok'], ['ok', { flags: 1 }]), 1],
])('of two attempts, %s: a repeat without a reason', ([_, attempts, unexplained]) => {
  const twice = worker(['recv', 0, 110], ['done', 0, 111], ['recv', 0, 112], ['done', 0, 113])
  expect(accountOf(together(attempts, twice)).redelivered).toMatchObject({ total: 1, unexplained })
})

test('what the last worker had in its hand is lost with it, not for want of a worker', () => {
  const live: History = { events: [['worker 0.0', 'SUBSCRIBED', 0]] }
  const held = together(published(['ok']), live, worker(['recv', 0, 103]), at('KILL', 105))
  expect(accountOf(held).lost.byCause).toEqual({ 'worker-killed': 1 })
  const nobody = together(published(['ok']), live, worker(), at('KILL', 99))
  const { lost } = accountOf(together(nobody, { terms: { inHandMax: 0 } }))
  expect(lost.byCause).toEqual({ 'no-worker': 1 })
})
