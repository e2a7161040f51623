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
  orNull,
  type Shape,
  text,
  time,
  yesNo,
} from './schema.ts'

const group: Fields = {
  group: text,
  lag: countOrNull,
  in_flight: countOrNull,
  oldest_ms: orNull(number),
  readers: countOrNull,
  position: orNull(text),
}

const causes: Fields = {
  count,
  cause,
  reason: text,
  group: orNull(text),
  first: time,
  last: time,
  example: text,
}

/** What commands print that look into a backend and repair it. */
export const lookSchemas: Readonly<Record<string, Shape>> = {
  'channels.ls': list({ channel: text, pattern, ...depth, groups: countOrNull }),
  'channels.show': answer({
    channel: text,
    pattern,
    ...depth,
    groups: many(object({ group: text, lag: countOrNull })),
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
  'dead.ls': [{ items: many(object(causes)), channel: text, total: count, exact: yesNo }, dead],
  'dead.show': list(dead),
  'dead.redrive': change({ channel: text, chosen: count, redriven: count, failed: count }),
  'dead.purge': change({ channel: text, removed: count }),
  'groups.ls': list(group, { channel: text }),
  'groups.show': answer({ channel: text, ...group }),
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
