import { judge } from '../../src/lab/checker/judge.ts'
import { readLedgers } from '../../src/lab/evidence/readLedgers.ts'
import type { Terms } from '../../src/lab/terms.ts'

export interface Checked {
  readonly seconds: number
  readonly highestMb: number
  readonly attempted: number
  readonly lost: number
  readonly unexplained: number
}

const terms: Terms = {
  pattern: 'queue',
  delivery: 'at-least-once',
  mayLose: [],
  mayRepeat: ['retry'],
  tells: [],
  lossWindowMs: null,
  isSettleConfirmed: true,
  forgetsAcks: [],
  attempts: 4,
  deliveriesMax: 10,
  leaseMs: 2_000,
  isStoreShared: false,
  isOwnedByConnection: false,
  areCrashesMixed: false,
  inHandMax: 16,
  reclaimWithinMs: 3_000,
  resumes: false,
  isOrderedByKey: false,
  isRetentionReached: false,
}

// The body of a process: it judges one run from its files, and tells what that took.
const started = performance.now()
const ledgers = await readLedgers(process.argv[2] ?? '.')
const run = { terms, unknown: [], order: 'none' } as const
const { groups } = judge({ ledgers, events: [], depth: [] }, run, 250, [])
const all = groups[0]?.account
const checked: Checked = {
  seconds: (performance.now() - started) / 1_000,
  highestMb: process.resourceUsage().maxRSS / 1_024,
  attempted: all?.attempted ?? 0,
  lost: all?.lost.total ?? -1,
  unexplained: all?.redelivered.unexplained ?? -1,
}
process.stdout.write(JSON.stringify(checked))
