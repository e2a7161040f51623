import {
  anything,
  count,
  type Fields,
  named,
  number,
  object,
  oneOf,
  orNull,
  type Schema,
  text,
  time,
  yesNo,
} from './schema.ts'

export const pattern = oneOf('queue', 'stream', 'broadcast', 'narrowcast')

/** Null: the backend does not have that number. */
export const countOrNull = orNull(count)

/** The counts of a channel. */
export const depth: Fields = {
  waiting: countOrNull,
  in_flight: countOrNull,
  scheduled: countOrNull,
  dead: countOrNull,
  stored: countOrNull,
  in: countOrNull,
  out: countOrNull,
  oldest_ms: orNull(number),
  paused: yesNo,
}

/** `data` where the body is JSON, else `data_base64`. */
const message: Fields = {
  id: text,
  key: orNull(text),
  time,
  message_type: text,
  source: text,
  headers: named(text),
  bytes: count,
  'data?': anything,
  'data_base64?': text,
}

export const stored: Fields = {
  ...message,
  time: orNull(time),
  position: orNull(text),
  state: text,
  attempt: count,
  crashes: anything,
  redrives: count,
  group: orNull(text),
  worker: orNull(text),
}

export const cause = oneOf('failures', 'crashes', 'verdict', 'invalid')

export const dead: Fields = {
  ref: text,
  channel: text,
  ...message,
  cause,
  reason: text,
  error: orNull(object({ name: text, message: text, code: orNull(text), stack: orNull(text) })),
  failures: count,
  crashes: anything,
  redrives: count,
  first_failed: orNull(time),
  died: time,
  group: orNull(text),
  worker: orNull(text),
}

/** The contract as the driver states it, in its own words: backends may add facts. */
export const contract: Schema = {
  ...object({
    delivery: oneOf('at-most-once', 'at-least-once'),
    stored: anything,
    survives: named(anything),
    settle: text,
    fencing: text,
    order: anything,
    redelivery: anything,
    delay: anything,
    replay: yesNo,
    retention: yesNo,
    payloadBytesMax: count,
  }),
  additionalProperties: true,
}
