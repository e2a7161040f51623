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

const worker: Fields = {
  worker: text,
  channel: text,
  pattern,
  group: orNull(text),
  state: oneOf('busy', 'idle', 'not ready', 'silent'),
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
  'workers.show': answer({
    worker: text,
    subscriptions: many(object(worker)),
    tables: many(object({ table: text, rows: count })),
  }),
}
