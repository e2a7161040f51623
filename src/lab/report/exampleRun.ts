import type { Contract } from '../../core/contract.ts'
import { judge, judgeBroadcast } from '../checker/judge.ts'
import { type History, questionOf } from '../checker/naive/smallHistory.ts'
import { verdictOf } from '../checker/verdict.ts'
import type { DepthSample } from '../evidence/evidence.ts'
import type { RunPlan } from '../plan.ts'
import { judgedFaults, unhitKinds } from '../run/faultHits.ts'
import type { AppliedFault, RunResult } from '../run/result.ts'
import type { RunTerms } from '../termsOf.ts'
import type { About } from './build.ts'

/** A small run written by hand; what is left out is as usual. */
export interface ExampleRun {
  readonly history: History
  readonly contract?: Partial<Contract>
  readonly channel?: Partial<RunPlan['channel']>
  readonly load?: Partial<RunPlan['load']>
  readonly planned?: RunPlan['faults']
  readonly faults?: readonly AppliedFault[]
  readonly order?: RunTerms['order']
  readonly depth?: readonly DepthSample[]
}

const usualContract: Contract = {
  delivery: 'at-least-once',
  stored: { in: 'page-cache', copies: 1 },
  survives: {
    'worker-crash': 'yes',
    'broker-restart': 'yes',
    'broker-crash': 'no',
    'node-loss': 'no',
    'power-loss': 'no',
  },
  settle: 'confirmed',
  fencing: 'token',
  counts: { failures: 'exact', crashes: 'exact' },
  release: 'free',
  order: { scope: 'none', across: 'workers', afterRetry: 'lost' },
  keyOrder: 'no',
  redelivery: { how: 'on-lease', withinMs: 2_100 },
  delay: { how: 'no', errorMs: 0, errorShare: 0, msMax: 0 },
  dedupe: { publishWindowMsMax: null, consume: 'no' },
  positions: 'none',
  replay: false,
  retention: false,
  seek: false,
  pause: false,
  deadLetters: true,
  manage: true,
  peek: 'exact',
  depth: 'exact',
  watchdog: true,
  noReader: 'kept',
  receivers: 'no',
  resumes: false,
  tells: [],
  wakeMs: 0,
  payloadBytesMax: 1_000_000,
  plainData: false,
  source: 'docs/drivers/memory.md',
}

const zeroNs = 1_000_000_000n

/** Time zero is at 1 s of the history. */
export function exampleResult(example: ExampleRun): RunResult {
  const { history, planned = [], order = 'none', depth = [] } = example
  const [found, terms, guardMs] = questionOf(history)
  const evidence = { ...found, depth }
  const faults = judgedFaults(example.faults ?? [], evidence.ledgers, zeroNs)
  const plan: RunPlan = {
    run: { name: 'r1', number: 1n },
    channel: {
      ...{ name: 'lab', pattern: terms.pattern, via: 'direct', leaseMs: 2_000, attempts: 2 },
      ...{ deliveriesMax: 2, dedupeWindowMs: null, order: 'none' },
      ...example.channel,
    },
    load: {
      ...{ messages: 4, perSecond: 400, producers: 1, workers: 2, concurrency: 4 },
      ...{ handlerMs: 20, keys: 16, bytes: 256, poisonShare: 0, killers: 0, againShare: 0 },
      ...{ slowFactor: 1, surge: null, startsLate: false, triesMax: 1 },
      ...example.load,
    },
    seed: 7,
    faults: planned,
  }
  const run: RunTerms = { terms, unknown: [], order }
  const conditions = planned.length > 0 ? [{ is: 'busyKills', atLeast: 1 } as const] : []
  const isBroadcast = plan.channel.pattern === 'broadcast'
  const judgement = (isBroadcast ? judgeBroadcast : judge)(evidence, run, guardMs, conditions)
  const checks =
    'groups' in judgement ? judgement.groups.flatMap((one) => one.checks) : judgement.checks
  const verdict = verdictOf(checks, {
    ...{ isBarrierReached: true, isDrained: true, planned: 1, attempted: 1 },
    ...{ disagreements: [], bites: judgement.bites, ownEnds: judgement.ownEnds },
    unhit: unhitKinds(planned, faults),
  })
  const contract = { ...usualContract, delivery: terms.delivery, ...example.contract }
  return {
    ...{ plan, contract, run, zeroNs, evidence, faults, guardMs },
    ...{ judgement, verdict },
  }
}

export const exampleAbout: About = {
  runId: '2026-11-20T12-10-07-worker-kill-redis-stream-queue-s7',
  startedAt: '2026-11-20T12:10:07.000Z',
  endedAt: '2026-11-20T12:10:47.000Z',
  tool: { version: '0.5.0', commit: '91ea5d0', dirty: false },
  command: 'narrowcast lab run worker-kill --on redis-stream --seed 7',
  machine: { cpu: 'a processor', cores: 2, syncMs: 0.136394, load: { before: 1 } },
  broker: {
    version: '7.0.15',
    how: 'on the PATH',
    config: { appendonly: 'no' },
    configSha256: 'ab'.repeat(32),
  },
  scenario: 'worker-kill',
  title: 'a busy worker dies',
  backend: 'redis-stream',
  profile: 'default',
  expected: null,
  ledgerMode: 'exact',
  ceilingPerSecond: null,
  cpuMicrosPerMessage: { broker: 81.5, worker: 140 },
  notRun: [],
}
