import { z } from 'zod'
import { broadcastAccountSchema, count, facts, groupAccountSchema } from './accountSchema.ts'
import type { GroupReport, Report, SpecReport, UpperBound } from './types.ts'

const text = z.string()
const ms = z.number()
const msOrNull = ms.nullable()
const time = z.iso.datetime()

const percentiles = z.object({
  count,
  min: msOrNull,
  p50: msOrNull,
  p90: msOrNull,
  p99: msOrNull,
  p999: msOrNull,
  max: msOrNull,
  unanswered: count,
})
const reordering = z.object({
  reordered: count,
  ratio: z.number(),
  extentP99: count,
  extentMax: count,
})
const sinceZero = { fromMs: ms, toMs: ms }

const group = z.object({
  account: groupAccountSchema,
  order: facts<GroupReport['order']>({
    perWorker: reordering,
    overall: reordering,
    byRedelivery: count,
  }),
  evenness: z.array(
    facts<GroupReport['evenness'][number]>({
      ...sinceZero,
      workers: z.array(count),
      counts: z.array(count),
      maxOverMean: z.number(),
      isUneven: z.boolean(),
      isSkipped: z.boolean(),
    }),
  ),
  latency: z.object({ endToEnd: percentiles, done: percentiles }),
  recovery: z.array(
    facts<GroupReport['recovery'][number]>({
      ...sinceZero,
      fault: text,
      rtoPublishMs: msOrNull,
      rtoConsumeMs: msOrNull,
      oldestMs: msOrNull,
      backlogPeak: count.nullable(),
      drainMs: msOrNull,
    }),
  ),
})

const spec = z.object({
  scenario: text,
  title: text,
  backend: text,
  pattern: z.enum(['queue', 'stream', 'broadcast', 'narrowcast']),
  run: text,
  profile: text,
  load: facts<SpecReport['load']>({ messages: count, perSecond: z.number(), workers: count }),
  channel: facts<SpecReport['channel']>({ leaseMs: z.number() }),
  faults: z.array(facts<SpecReport['faults'][number]>({ kind: text, atMs: ms })),
})

const trail = z.object({
  id: text,
  key: text,
  fates: z.array(text),
  lines: z.array(z.object({ atMs: ms, who: text, what: text, detail: text })),
})

const status = z.enum(['KEPT', 'BROKEN', 'INCONCLUSIVE'])
const verdict = z.object({
  status,
  reasons: z.array(text),
  ofContract: status.nullable(),
  notTested: z.array(text),
  stronger: z.array(text),
  upperBounds: z.array(facts<UpperBound>({ fault: text, episodes: count, share: z.number() })),
})

/** Of `report.json`. Fields that it does not know are left out: a later version may have more. */
export const reportSchema: z.ZodType<Report> = z.object({
  v: z.literal(1),
  type: z.literal('lab.report'),
  runId: text,
  startedAt: time,
  endedAt: time,
  tool: z.object({ version: text, commit: text.nullable(), dirty: z.boolean().nullable() }),
  seed: z.number(),
  zeroNs: text.regex(/^\d+$/),
  command: text,
  machine: z.record(text, z.unknown()),
  broker: z.object({
    version: text,
    how: text,
    config: z.record(text, text).nullable(),
    configSha256: text.nullable(),
  }),
  spec,
  contract: facts<Report['contract']>({
    delivery: z.enum(['at-most-once', 'at-least-once']),
    survives: z.record(text, z.union([text, z.object({ lossWindowMs: ms })])),
  }),
  terms: facts<Report['terms']>({
    terms: z.looseObject({ mayLose: z.array(text), mayRepeat: z.array(text) }),
    order: text,
    unknown: z.array(text),
  }),
  expected: z.literal('at-least-once').nullable(),
  groups: z.array(group).nullable(),
  broadcast: broadcastAccountSchema.nullable(),
  throughput: z.object({
    offered: z.number(),
    achieved: z.number(),
    delivered: z.number(),
    series: z.array(
      z.object({ second: count, published: count, done: count, backlog: count.nullable() }),
    ),
  }),
  latency: z.object({
    response: percentiles,
    service: percentiles,
    scheduleDelay: percentiles,
  }),
  faults: z.array(
    facts<Report['faults'][number]>({
      kind: text,
      target: text,
      plannedMs: ms,
      appliedMs: ms,
      endedMs: msOrNull,
      inHand: count.nullable(),
      hit: z.boolean(),
    }),
  ),
  instrument: facts<Report['instrument']>({
    ledgerMode: z.enum(['exact', 'batched']),
    ceilingPerSecond: z.number().nullable(),
    isHarnessBound: z.boolean().nullable(),
    isSaturated: z.boolean(),
    guardMs: ms,
    cpuMicrosPerMessage: z.record(text, z.number()),
    tornTails: count,
    disagreements: z.array(text),
  }),
  checks: z.array(
    z.object({
      id: text,
      promise: text,
      observed: text,
      status: z.enum(['held', 'violated', 'unknown']),
      group: text.nullable(),
    }),
  ),
  bites: z.array(z.object({ what: text, atLeast: count, seen: count })),
  verdict,
  firsts: z.array(trail),
})
