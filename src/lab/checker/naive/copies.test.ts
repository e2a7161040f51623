import { describe, expect, test } from 'vitest'
import type { LabEvent } from '../../evidence/evidence.ts'
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

describe('a dead letter has', () => {
  const failure = (ms: number): Entry[] => [
    ['recv', 0, ms],
    ['throw', 0, ms + 1],
    ['settled', 0, ms + 2, { flags: 1 }],
  ]
  const letter = (flags: number, count: number): History => ({
    ledgers: { 'deadReader 0.0': [['dead', 0, 200, { flags, count }]] },
  })
  const tries = (count: number) =>
    worker(...Array.from({ length: count }, (_, n) => failure(110 + 10 * n)).flat())
  const terms: History = { terms: { attempts: 3, deliveriesMax: 2 } }
  const mixed = (...histories: History[]) =>
    together(...histories, letter(1, 0), { terms: { areCrashesMixed: true } })
  const cut = (ms: number): History => ({ ledgers: { 'worker 1.0': [['cut', null, ms]] } })

  test.for<[string, number, History]>([
    ['as many failures as it may', 0, together(tries(3), letter(0, 3))],
    ['fewer', 1, together(tries(2), letter(0, 3))],
    ['fewer by its own words', 1, together(tries(3), letter(0, 2))],
    ['more by its own words', 1, together(tries(4), letter(0, 4))],
    ['as many owners as it may', 0, together(tries(2), letter(1, 0))],
    ['fewer owners', 1, together(tries(1), letter(1, 0))],
    ['owners unseen', 1, together(tries(1), at('KILL', 150), letter(1, 0))],
    ['owners unseen, where they are counted', 0, mixed(tries(1), at('KILL', 150), cut(160))],
    ['one of these only', 1, mixed(tries(1), at('KILL', 150), at('EXIT', 151))],
    ['one of these before it was sent', 1, mixed(tries(1), at('KILL', 99), cut(160))],
    ['as many as it may of both', 0, mixed(tries(2))],
    ['a verdict of nobody', 1, together(tries(3), letter(2, 3))],
    ['no reason that there is', 1, together(tries(3), letter(7, 3))],
    ['not been written', 0, tries(1)],
  ])('%s: unfounded %i', ([_, deadUnfounded, history]) => {
    expect(accountOf(together(published(['ok']), terms, history))).toMatchObject({ deadUnfounded })
  })

  test('been tried no more often than it may, copy by copy', () => {
    const retried = (count: number, ...answers: Parameters<typeof published>) =>
      accountOf(together(published(...answers), terms, tries(count))).retriedBeyond
    expect([retried(2, ['ok']), retried(3, ['ok'])]).toEqual([0, 1])
    expect([retried(4, ['ok'], ['ok']), retried(5, ['ok'], ['ok'])]).toEqual([0, 1])
    expect(retried(3, ['ok'], ['fail'])).toBe(1)
    const forgetful: History = { terms: { ...terms.terms, forgetsAcks: ['broker-stop'] } }
    const down: History = { events: [['broker stop', 'BROKER_DOWN', 150]] }
    expect(accountOf(together(published(['ok']), forgetful, tries(3))).retriedBeyond).toBe(1)
    expect(accountOf(together(published(['ok']), forgetful, down, tries(3))).retriedBeyond).toBe(0)
    const toldLater: History = { terms: { ...terms.terms, forgetsAcks: ['worker-killed'] } }
    const seenWith = (event: LabEvent['event'], ms: number) =>
      accountOf(together(published(['ok']), toldLater, at(event, ms), tries(3))).retriedBeyond
    for (const event of ['KILL', 'EXIT', 'STOP', 'BLOCK', 'NET_ON'] as const) {
      expect([seenWith(event, 150), seenWith(event, 99)]).toEqual([0, 1])
      const twice = together(published(['ok']), toldLater, at(event, 150))
      expect(accountOf(together(twice, tries(4))).retriedBeyond).toBe(0)
      expect(accountOf(together(twice, tries(5))).retriedBeyond).toBe(1)
    }
    expect(seenWith('LEAVE', 150)).toBe(1)
    const ofProducer = at('KILL', 150, 150, 'producer 0.0')
    const killed = together(published(['ok']), toldLater, ofProducer, tries(3))
    expect(accountOf(killed).retriedBeyond).toBe(1)
    expect(accountOf(together(published(['ok']), toldLater, down, tries(3))).retriedBeyond).toBe(0)
  })

  test('been in the hands of no more owners that ended than it may', () => {
    const held = (
      count: number,
      end: Entry[0] | null,
      ...answers: Parameters<typeof published>
    ) => {
      const hands = Array.from({ length: count }, (_, at): Entry[] => [
        ['recv', 0, 110 + at],
        ...(end === null ? [] : [[end, 0, 110 + at] as const]),
      ])
      return accountOf(together(published(...answers), worker(...hands.flat()))).retriedBeyond
    }
    expect([held(2, null, ['ok']), held(3, null, ['ok'])]).toEqual([0, 1])
    expect([held(4, null, ['ok'], ['ok']), held(5, null, ['ok'], ['ok'])]).toEqual([0, 1])
    expect([held(3, 'done', ['ok']), held(3, 'throw', ['ok'])]).toEqual([0, 0])
  })
})

describe('a retry is a copy, and its original may come again', () => {
  const failed: Entry[] = [
    ['recv', 0, 110],
    ['throw', 0, 112],
    ['settled', 0, 113, { flags: 1 }],
  ]
  /** The copy at 130, and once more what nobody was told of. */
  const twice: History = {
    ledgers: {
      'worker 1.0': [
        ['recv', 0, 130],
        ['done', 0, 131],
        ['recv', 0, 140],
        ['done', 0, 141],
      ],
    },
  }
  const once = published(['ok'])
  const toldLater: History = {
    terms: { isSettleConfirmed: false, forgetsAcks: ['worker-killed'] },
  }
  const repeats = (...more: History[]) =>
    accountOf(together(once, worker(...failed), twice, ...more)).redelivered

  test('where its worker has ended', () => {
    expect(repeats(killed, toldLater)).toMatchObject({
      byCause: { retry: 1, 'worker-killed': 1 },
      unexplained: 0,
    })
  })

  test.for<[string, History[]]>([
    ['where its worker lives', [toldLater]],
    ['where what was settled is known', [killed]],
  ])('not %s', ([_, more]) => {
    expect(repeats(...more)).toMatchObject({ byCause: { retry: 1 }, unexplained: 1 })
  })

  test('and no third time', () => {
    const third: History = {
      ledgers: { 'worker 2.0': [['recv', 0, 150]] },
    }
    expect(repeats(killed, toldLater, third)).toMatchObject({ total: 3, unexplained: 1 })
  })
})
