import {
  answer,
  count,
  dryRun,
  many,
  ms,
  named,
  orNull,
  type Shape,
  text,
  yesNo,
} from './schema.ts'

/** What `relay` prints. taken = routed + unknown + no_worker + dropped. */
export const relaySchemas: Readonly<Record<string, Shape>> = {
  relay: [dryRun],
  'relay.started': answer({ channel: text, worker: text, strategy: text, hold: orNull(text) }),
  'relay.leads': answer({ channel: text, worker: text }),
  'relay.stands-by': answer({ channel: text, worker: text, why: text }),
  'relay.no-worker': answer({ channel: text, messages: count, ids: many(text) }),
  'relay.summary': answer({
    channel: text,
    taken: count,
    routed: count,
    rerouted: count,
    unknown: count,
    no_worker: count,
    dropped: count,
    /** It was given these, and lost its lead before it had read them. */
    missed: count,
    /** More were missed, and nobody knows how many. */
    missed_unknown: yesNo,
    workers: named(count),
    duration_ms: ms,
  }),
}
