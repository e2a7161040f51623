import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Ledger, median, type PlayedGame } from './ledger.ts'

function game(n: number): PlayedGame {
  const id = `token-${n}+host`
  return { id, token: `token-${n}`, players: ['a', 'b'], hits: [], finishedMs: n, story: `${n}` }
}

function ledgerOf(...names: string[]): Ledger {
  const ledger = new Ledger()
  for (const [at, name] of names.entries()) ledger.addWorker(name, 100 + at)
  return ledger
}

test('the run of the transcript: one written and not acked, one not yet written, both come back', () => {
  const ledger = ledgerOf('w1', 'w3')
  for (const n of [1, 2]) ledger.finished(game(n))
  const [a, b] = [game(1).id, game(2).id]
  ledger.delivered('w3', [a, b])
  ledger.written('w3', [a])
  expect(ledger.unwritten('w3').map(({ label }) => label)).toEqual(['g-002'])
  expect(ledger.totals).toMatchObject({ written: 1, leased: 2, acked: 0, waiting: 0 })
  ledger.delivered('w1', [a])
  ledger.recognised('w1', [a])
  ledger.acked('w1', a, 5_001)
  ledger.delivered('w1', [b])
  ledger.written('w1', [b])
  ledger.acked('w1', b, 5_003)
  expect(ledger.totals).toMatchObject({
    ...{ finished: 2, written: 2, delivered: 4, acked: 2, redelivered: 2, skipped: 1, leased: 0 },
  })
  expect(ledger.workers.get('w1')).toMatchObject({ written: 1, delivered: 2, acked: 2 })
  expect(ledger.workers.get('w1')?.latenciesMs).toEqual([5_000, 5_001])
  expect(ledger.workers.get('w3')).toMatchObject({ written: 1, delivered: 2, acked: 0 })
  expect(ledger.oldestMs).toBeNull()
})

test('a message that nobody played is noted, not counted', () => {
  const ledger = ledgerOf('w1')
  ledger.delivered('w1', ['stranger'])
  ledger.acked('w1', 'stranger', 1)
  expect([...ledger.unknown]).toEqual(['stranger'])
  expect(ledger.totals).toMatchObject({ finished: 0, acked: 0, waiting: 0, leased: 0 })
})

test('finished = waiting + leased + acked + dead, whatever comes in whatever order', () => {
  const names = ['w1', 'w2', 'w3']
  const step = fc.record({
    kind: fc.constantFrom('finished', 'delivered', 'written', 'recognised', 'acked', 'dead'),
    worker: fc.constantFrom(...names),
    n: fc.integer({ min: 0, max: 8 }),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const ledger = ledgerOf(...names)
      for (const { kind, worker, n } of steps) {
        const { id } = game(n)
        if (kind === 'finished' && !ledger.games.has(id)) ledger.finished(game(n))
        if (!ledger.games.has(id)) continue
        if (kind === 'delivered') ledger.delivered(worker, [id])
        if (kind === 'written') ledger.written(worker, [id])
        if (kind === 'recognised') ledger.recognised(worker, [id])
        if (kind === 'acked') ledger.acked(worker, id, n)
        if (kind === 'dead') ledger.dead(worker, id, 'x')
        const { finished, waiting, leased, acked, dead } = ledger.totals
        expect(waiting + leased + acked + dead).toBe(finished)
        expect(waiting).toBeGreaterThanOrEqual(0)
        const all = [...ledger.workers.values()]
        expect(all.reduce((sum, one) => sum + one.acked, 0)).toBe(acked)
      }
    }),
    { numRuns: 2_000 },
  )
})

test('the median of nothing is null', () => {
  expect(median([])).toBeNull()
  expect(median([3, 1, 2])).toBe(2)
  expect(median([4, 1, 2, 3])).toBe(2)
})
