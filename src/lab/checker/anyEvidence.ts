import fc from 'fast-check'
import type { Evidence } from '../evidence/evidence.ts'
import { causes, type Terms } from '../terms.ts'
import { plan } from './naive/plan.ts'
import { play } from './naive/play.ts'

/** What a checker is asked. */
interface Question {
  readonly evidence: Evidence
  readonly terms: Terms
  readonly guardMs: number
}

const ms = (max: number) => fc.integer({ min: 0, max })

const terms: fc.Arbitrary<Terms> = fc.record({
  pattern: fc.constantFrom('queue', 'narrowcast', 'stream'),
  delivery: fc.constantFrom('at-least-once', 'at-most-once'),
  mayLose: fc.subarray([...causes]),
  mayRepeat: fc.subarray([...causes]),
  tells: fc.subarray([...causes]),
  lossWindowMs: fc.option(ms(12), { freq: 3 }),
  isSettleConfirmed: fc.boolean(),
  forgetsAcks: fc.subarray(['broker-stop', 'broker-crash', 'worker-killed']),
  attempts: fc.constantFrom(1, 2, 3),
  deliveriesMax: fc.constantFrom(2, 3),
  leaseMs: fc.constantFrom(0, 4, 8),
  isStoreShared: fc.boolean(),
  isOwnedByConnection: fc.boolean(),
  areCrashesMixed: fc.boolean(),
  inHandMax: ms(3),
  reclaimWithinMs: ms(4),
  resumes: fc.boolean(),
  isOrderedByKey: fc.boolean(),
  isRetentionReached: fc.oneof(
    { weight: 4, arbitrary: fc.constant(false) },
    { weight: 1, arbitrary: fc.constant(true) },
  ),
})

/**
 * Small histories, legal ones and others: mostly what runs look like, with faults, omissions and
 * repeats over it, at few different times, so that spans touch and meet. Every ledger is in order of
 * time, and every outcome has an INVOKE before it.
 */
export const anyEvidence: fc.Arbitrary<Question> = fc
  .record({ plan, terms, guardMs: ms(2) })
  .map(({ plan, terms, guardMs }) => ({ evidence: play(plan), terms, guardMs }))
