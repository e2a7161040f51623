import { cause, contract, countOrNull, dead, depth, pattern, stored } from './messages.ts'
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

const order = oneOf('none', 'block', 'skip')

const group: Fields = {
  group: text,
  lag: countOrNull,
  in_flight: countOrNull,
  oldest_ms: orNull(number),
  readers: countOrNull,
  position: orNull(text),
  order,
}

const causes: Fields = {
  channel: text,
  count,
  cause,
  reason: text,
  group: orNull(text),
  redrives: count,
  first: time,
  last: time,
  example: text,
}

/** What a redrive has come to. */
const result: Fields = {
  state: oneOf('running', 'done', 'cancelled', 'stopped', 'interrupted'),
  why: orNull(text),
  at: count,
  redriven: count,
  gone: count,
  failed: count,
  unsure: count,
  maybe_twice: count,
  died_again: count,
}

const job: Fields = {
  job: text,
  channel: text,
  to: orNull(text),
  group: orNull(text),
  total: count,
  ...result,
  rate_per_s: number,
  stop_if: number,
  url: text,
  planned: time,
  updated: time,
}

/** What commands print that look into a backend and repair it. */
export const lookSchemas: Readonly<Record<string, Shape>> = {
  'channels.ls': list({ channel: text, pattern, ...depth, groups: countOrNull }),
  'channels.show': answer({
    channel: text,
    pattern,
    ...depth,
    order: orNull(order),
    groups: many(object({ group: text, lag: countOrNull, order })),
    contract,
  }),
  'channels.create': change({ channel: text, pattern, created: yesNo }),
  'channels.rm': change({ channel: text, removed: yesNo, messages: countOrNull }),
  'channels.purge': change({ channel: text, removed: count }),
  'channels.pause': change({ channel: text, paused: yesNo }),
  'channels.resume': change({ channel: text, paused: yesNo }),
  'messages.ls': list(stored, { cursor: orNull(text) }),
  'messages.show': answer({ channel: text, ...stored }),
  'messages.search': list(stored, {
    scanned: count,
    stored: countOrNull,
    cursor: orNull(text),
    took_ms: ms,
  }),
  'messages.rm': change({ channel: text, id: text, removed: yesNo, left: yesNo }),
  // By cause in one object, one by one with ndjson.
  'dead.ls': [
    {
      items: many(object(causes)),
      channel: orNull(text),
      total: count,
      exact: yesNo,
      'letters?': many(object(dead)),
    },
    dead,
  ],
  'dead.show': list(dead),
  'dead.redrive': change({
    job: orNull(text),
    channel: text,
    to: orNull(text),
    chosen: count,
    'left_out?': count,
    'more?': count,
    'to_move?': count,
    'already_gone?': count,
    'about_ms?': ms,
    ...result,
  }),
  'dead.jobs': list(job),
  'dead.cancel': change(job),
  'dead.purge': change({ channel: text, removed: count }),
  'groups.ls': list(group, { channel: text }),
  'groups.show': answer({
    ...{ channel: text, ...group },
    'partitions?': many(object({ partition: count, lag: countOrNull, position: text })),
  }),
  'groups.seek': change({
    channel: text,
    group: text,
    position: orNull(text),
    lag: countOrNull,
  }),
  'groups.rm': change({ channel: text, group: text, removed: yesNo }),
  stats: list(
    {
      channel: text,
      pattern,
      ...depth,
      in_per_s: orNull(number),
      out_per_s: orNull(number),
    },
    { over_ms: ms },
  ),
}
