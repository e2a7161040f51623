import { z } from 'zod'
import type { TelemetryFrame } from './frame.ts'
import { framesMax } from './frames.ts'

const count = z.number().nonnegative()
const channel = {
  channel: z.string(),
  pattern: z.enum(['broadcast', 'narrowcast', 'queue', 'stream']),
}

/** Telemetry comes from strangers: what we read of it is checked, what we do not know is kept. */
export const frameSchema: z.ZodType<TelemetryFrame> = z.looseObject({
  v: z.literal(1),
  type: z.literal('telemetry'),
  host: z.string(),
  pid: count,
  start: z.iso.datetime(),
  bus: z.string(),
  part: count,
  parts: z.int().min(1).max(framesMax),
  every_ms: count,
  version: z.string(),
  control: z.boolean(),
  memory_mb: count,
  loop_p99_ms: count,
  subscriptions: z.array(
    z.looseObject({
      ...channel,
      group: z.string().nullable(),
      worker: z.string(),
      ready: z.boolean(),
      concurrency: count,
      received: count,
      acked: count,
      retried: count,
      dead: count,
      errors: count,
      late: count,
      redelivered: count,
      in_flight_count: count,
      in_flight: z.array(z.looseObject({ id: z.string(), for_ms: count })),
      latency: z.object({
        scale: z.literal(3),
        count,
        sum_ms: count,
        buckets: z.record(z.string().regex(/^-?\d{1,3}$/), count),
      }),
    }),
  ),
  omitted: count,
  publishers: z.array(z.looseObject({ ...channel, published: count, failed: count })),
  relays: z.array(
    z.looseObject({
      channel: z.string(),
      worker: z.string(),
      leads: z.boolean(),
      taken: count,
      routed: count,
      rerouted: count,
      unknown: count,
      no_worker: count,
      held: count,
      dropped: count,
    }),
  ),
})
