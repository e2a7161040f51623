import type { RunPlan } from '../../src/lab/plan.ts'

/** Four workers in processes of their own, and messages as fast as two cores take them. */
export const calm: RunPlan = {
  run: { name: 'r1', number: 1n },
  channel: {
    name: 'lab',
    pattern: 'queue',
    via: 'direct',
    leaseMs: 2_000,
    attempts: 4,
    deliveriesMax: 10,
    dedupeWindowMs: null,
    order: 'none',
  },
  load: {
    ...{ messages: 1_000, perSecond: 400, producers: 2, workers: 4, concurrency: 4 },
    ...{ handlerMs: 20, keys: 16, bytes: 256, poisonShare: 0.01, againShare: 0 },
    ...{ killers: 0, slowFactor: 1, surge: null, startsLate: false, triesMax: 1 },
  },
  seed: 7,
  faults: [],
}
