import { pattern } from './messages.ts'
import {
  answer,
  change,
  count,
  type Fields,
  list,
  many,
  ms,
  number,
  object,
  oneOf,
  orNull,
  type Shape,
  text,
  time,
  yesNo,
} from './schema.ts'

const state = oneOf('busy', 'idle', 'not ready', 'silent')
const worker: Fields = {
  worker: text,
  channel: text,
  pattern,
  group: orNull(text),
  state,
  in_flight: count,
  in_hand: many(object({ id: text, for_ms: ms })),
  concurrency: count,
  received: count,
  acked: count,
  acked_per_s: orNull(number),
  retried: count,
  dead: count,
  errors: count,
  late: count,
  redelivered: count,
  p50_ms: orNull(ms),
  p95_ms: orNull(ms),
  p99_ms: orNull(ms),
  memory_mb: number,
  loop_p99_ms: ms,
  host: text,
  pid: count,
  control: yesNo,
  version: text,
  started: time,
}

const top = answer({
  time,
  waiting: orNull(count),
  in_per_s: orNull(number),
  out_per_s: orNull(number),
  p95_ms: orNull(ms),
  workers: count,
  refused_frames: count,
  channels: many(
    object({
      channel: text,
      pattern,
      waiting: orNull(count),
      in_flight: orNull(count),
      dead: orNull(count),
      oldest_ms: orNull(ms),
      in_per_s: orNull(number),
      out_per_s: orNull(number),
      /** False where the rates are what processes tell of themselves. */
      exact: yesNo,
      p95_ms: orNull(ms),
      paused: yesNo,
      readers: many(object({ worker: text, state })),
      relays: many(object({ worker: text, leads: yesNo })),
    }),
  ),
  events: many(
    object({
      worker: text,
      what: oneOf('came', 'silent', 'back', 'gone'),
      channel: text,
      host: text,
      pid: count,
    }),
  ),
})

const ended = change({
  worker: text,
  channels: many(text),
  /** What it had in hand when it was told. */
  in_hand: count,
  duration_ms: ms,
})

/** What commands print that hear what processes tell. */
export const telemetrySchemas: Readonly<Record<string, Shape>> = {
  'workers.ls': list(worker, { refused_frames: count }),
  'workers.drain': ended,
  'workers.stop': ended,
  top,
  'workers.show': answer({
    worker: text,
    subscriptions: many(object(worker)),
    tables: many(object({ table: text, rows: count })),
  }),
}
