import { reportJsonSchema } from '../../lab/report/json.ts'
import {
  answer,
  anything,
  change,
  count,
  dryRun,
  type Fields,
  list,
  many,
  ms,
  named,
  number,
  object,
  oneOf,
  orNull,
  type Schema,
  type Shape,
  text,
  time,
  yesNo,
} from './schema.ts'

/** A report is printed as it lies in its file: its schema is made where it is written. */
function reportFields(): Fields {
  const { properties, required } = reportJsonSchema() as {
    properties: Record<string, Schema>
    required: readonly string[]
  }
  const { v: _v, type: _type, ...fields } = properties
  return Object.fromEntries(
    Object.entries(fields).map(([name, schema]) => [
      required.includes(name) ? name : `${name}?`,
      schema,
    ]),
  )
}

const verdict = oneOf('KEPT', 'BROKEN', 'INCONCLUSIVE')

const guarantee: Fields = { delivery: text, level: count }
const spread = object({ min: number, median: number, max: number })
/** What could not be run. */
const unrun = object({
  scenario: text,
  subject: text,
  status: oneOf('NOT OFFERED', 'NOT RUN', 'LAB ERROR'),
  reason: text,
})
/** Narrowcast to the raw client. */
const twinRatio = object({ pairs: count, medianRatio: number, p: number, finding: text })
/** All runs of one scenario on one backend. */
const compared: Fields = {
  runs: count,
  status: verdict,
  reasons: many(text),
  lost: spread,
  reprocessed: spread,
  ms: orNull(spread),
  isSaturated: yesNo,
}

/** What the lab prints. */
export const labSchemas: Readonly<Record<string, Shape>> = {
  'lab.ls': list({ scenario: text, faults: many(text), title: text, teaches: text }),
  'lab.runs': list({
    verdict: orNull(verdict),
    run: text,
    state: oneOf('finished', 'unfinished', 'damaged'),
    scenario: orNull(text),
    backend: orNull(text),
    pattern: orNull(text),
    profile: orNull(text),
    seed: orNull(number),
    started_at: orNull(time),
  }),
  'lab.faults': list({ fault: text, works: yesNo, how: text, where: text }),
  'lab.run': [dryRun],
  'lab.report': [reportFields()],
  'lab.suite': [
    {
      subjects: many(object({ name: text, promised: orNull(object(guarantee)) })),
      rows: many(
        object({ scenario: text, cells: many(orNull({ anyOf: [object(compared), unrun] })) }),
      ),
      runs: many(text),
    },
    dryRun,
  ],
  'lab.compare': [
    {
      guarantees: many(object({ ...guarantee, columns: many(text) })),
      rows: many(object({ scenario: text, cells: named(orNull(object(compared))) })),
      findings: many(
        object({ scenario: text, a: text, b: text, finding: text, medianRatio: number, p: number }),
      ),
      seeds: many(number),
      isInterleaved: yesNo,
      twins: many(
        object({
          ...{ scenario: text, subject: text, runs: count, lost: spread, repeated: spread },
          ...{ p50Ms: orNull(spread), p99Ms: orNull(spread), perSecond: spread },
          ...{ p99Ratio: orNull(twinRatio), perSecondRatio: orNull(twinRatio) },
        }),
      ),
      unrun: many(unrun),
      runs: many(text),
    },
    dryRun,
  ],
  'lab.message': answer({
    id: text,
    key: text,
    fates: many(text),
    lines: many(object({ atMs: number, who: text, what: text, detail: text })),
  }),
  'lab.verify': answer({
    run: text,
    state: oneOf('same', 'differs', 'damaged', 'unfinished'),
    damage: orNull(text),
    records: object({ sent: count, ok: count, done: count, thrown: count }),
    differences: many(object({ what: text, reported: anything, counted: anything })),
  }),
  'lab.self': list({ what: text, expected: text, seen: text, ok: yesNo }),
  'lab.open': answer({ run: text, path: text }),
  'lab.seed': change({ channels: count, messages: count, duration_ms: ms }),
}
