import { z } from 'zod'
import { biteNames } from '../checker/bites.ts'
import { proxyRuleSchema } from '../proxy/rule.ts'

/** A share of the planned load, `15%`, or a time after its beginning, `3s` or `500ms`. */
const moment = z
  .string()
  .regex(/^\d+(\.\d+)?(%|s|ms)$/, 'expected a share of the load as 15%, or a time as 3s or 500ms')

const repeating = {
  at: moment,
  every: moment.optional(),
  times: z.int().min(1).max(1_000).optional(),
}
const target = z.enum(['worker:busy', 'workers', 'producers', 'relay:leading'])
const waitMs = z.int().min(0).max(600_000)
const standing = {
  target,
  ...repeating,
  /** @default three times what a dead worker's messages need to come back */
  forMs: waitMs.optional(),
}

const anyFaultSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('kill'),
    target,
    ...repeating,
    restartAfterMs: waitMs.default(500),
    /** Instead of a time after the kill. */
    restartAt: moment.optional(),
  }),
  z.strictObject({ kind: z.literal('stop'), ...standing }),
  z.strictObject({
    kind: z.literal('block'),
    ...standing,
    target: z.enum(['worker:busy', 'workers']),
  }),
  z.strictObject({
    kind: z.literal('network'),
    rule: proxyRuleSchema,
    target,
    ...repeating,
    forMs: waitMs.default(10_000),
  }),
  z.strictObject({ kind: z.literal('churn'), ...repeating }),
  z.strictObject({
    kind: z.enum(['broker-stop', 'broker-crash', 'broker-freeze']),
    ...repeating,
    forMs: waitMs.default(3_000),
  }),
  /** Drawn from the seed, one after the other, of all that can be broken where it runs. */
  z.strictObject({
    kind: z.literal('any'),
    at: moment,
    times: z.int().min(1).max(1_000),
    /** From when one is healed to the next. */
    pauseMs: waitMs.default(2_000),
  }),
])

export const faultSchema = anyFaultSchema
  .refine(
    (fault) => fault.kind === 'any' || fault.times === undefined || fault.every !== undefined,
    {
      path: ['times'],
      error: 'without every they would all come at once: say how far apart, as "every": "10%"',
    },
  )
  // Of a churn it is also when the one that has left comes back.
  .refine(
    (fault) =>
      fault.kind === 'any' ||
      fault.kind === 'churn' ||
      fault.every === undefined ||
      fault.times !== undefined,
    { path: ['every'], error: 'without times it comes once: say how often, as "times": 3' },
  )
export type Fault = z.infer<typeof faultSchema>

export const loadSchema = z.strictObject({
  messages: z.int().min(1).max(10_000_000),
  perSecond: z.number().positive().max(1_000_000),
  producers: z.int().min(1).max(64),
  workers: z.int().min(1).max(256),
  concurrency: z.int().min(1).max(1_000),
  handlerMs: z.number().min(0).max(600_000),
  keys: z.int().min(1).max(10_000),
  bytes: z.int().min(48).max(1_048_576),
  poisonShare: z.number().min(0).max(1),
  killers: z.int().min(0).max(1_000),
  againShare: z.number().min(0).max(1),
  slowFactor: z.number().min(1).max(1_000),
  surge: z
    .strictObject({ fromShare: z.number().min(0).max(1), perSecond: z.number().positive() })
    .nullable(),
  startsLate: z.boolean(),
  triesMax: z.int().min(1).max(100),
})

export const settingsSchema = z.strictObject({
  leaseMs: z.int().min(500).max(600_000),
  attempts: z.int().min(1).max(1_000),
  deliveriesMax: z.int().min(2).max(1_000),
  dedupeWindowMs: z.int().min(1_000).max(86_400_000).nullable(),
  order: z.enum(['none', 'key']),
})
export type Settings = z.infer<typeof settingsSchema>

const biteSchema = z.strictObject({
  is: z.enum(biteNames),
  atLeast: z.int().min(1),
  /** Of kept patterns or of live ones alone. @default both */
  of: z.enum(['kept', 'live']).optional(),
})

/** An experiment as data: a load, what is done to it, and what has to have happened for it to count. */
export const scenarioSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,39}$/, 'expected lower-case letters, digits and dashes'),
  /** One line of a list. */
  title: z.string().min(1).max(50),
  /** What somebody who runs it learns. */
  teaches: z.string().min(1).max(2_000),
  load: loadSchema.partial().default({}),
  /** What is other where nothing is kept, and so nothing can pile up. */
  live: loadSchema.partial().default({}),
  settings: settingsSchema.partial().default({}),
  faults: z.array(faultSchema).max(100).default([]),
  bites: z.array(biteSchema).max(100).default([]),
})
/** As it is written; `scenarioSchema` fills in the rest. */
export type ScenarioInput = z.input<typeof scenarioSchema>
export type Scenario = z.output<typeof scenarioSchema>
