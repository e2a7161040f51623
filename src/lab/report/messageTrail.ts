import { NarrowcastError } from '../../core/errors.ts'
import { eachRecord } from '../checker/recordCursor.ts'
import type { Evidence } from '../evidence/evidence.ts'
import { noProducer, recordTypes } from '../evidence/record.ts'
import { ledgerName } from '../evidence/sidecar.ts'
import { type Identity, identityOfId, keyName, messageId } from '../identity.ts'
import { fatesOf } from './fates.ts'
import { incidentsOf, type Row, withIncidents } from './incidents.ts'
import { readHistory } from './readHistory.ts'
import { rowOf } from './recordWords.ts'
import type { MessageTrail } from './types.ts'

/** Where trails are read from. */
export interface TrailSource {
  readonly evidence: Evidence
  /** Of the run. */
  readonly zeroNs: bigint
  /** As in the ids of its messages. */
  readonly run: string
  readonly isBroadcast: boolean
}

/** Which message, and what became of it. */
export interface Wanted {
  readonly identity: Identity
  readonly fates: readonly string[]
}

/**
 * All records of one message, and what happened meanwhile to those that had it in hand, on one time
 * axis. `id`: as it was published, or without the name of the run: `p00-i00-s0001748`.
 * @throws NOT_FOUND when nobody has published it.
 */
export function messageTrail(source: TrailSource, id: string): MessageTrail {
  const { run, evidence, isBroadcast } = source
  const identity = identityOfId(run, id) ?? identityOfId(run, `${run}-${id}`)
  const { history, origins } = readHistory(evidence, isBroadcast)
  const { producer, incarnation, sequence } = identity ?? nobody
  const message = origins.indexOf(producer, incarnation, sequence)
  if (identity === null || message < 0 || history.attempts[message] === 0) {
    throw new NarrowcastError('NOT_FOUND', `lab: run ${run} has published no message ${id}`, {
      operation: 'show a message of a run',
      hint: `An id looks like p00-i00-s0000001, or ${messageId(run, first)}.`,
    })
  }
  const fates = fatesOf(history, message, isBroadcast)
  const [trail] = messageTrails(source, [{ identity, fates }])
  return trail as MessageTrail
}

const first: Identity = { producer: 0, incarnation: 0, sequence: 1 }
const nobody: Identity = { producer: noProducer, incarnation: 0, sequence: 0 }

/** What a reader wrote about itself that may have cost it a message in hand. */
const ofNoMessage: readonly number[] = [
  recordTypes.cut,
  recordTypes.back,
  recordTypes.revoke,
  recordTypes.gap,
]

/** In the order of `wanted`. Each ledger is read once. */
export function messageTrails(source: TrailSource, wanted: readonly Wanted[]): MessageTrail[] {
  const { evidence, zeroNs, run } = source
  const found = wanted.map((one) => ({ ...one, key: 0, rows: [] as Row[] }))
  const byStart = new Map<number, Map<number, (typeof found)[number]>>()
  for (const one of found) {
    const { producer, incarnation, sequence } = one.identity
    const start = startOf(producer, incarnation)
    const bySequence = byStart.get(start) ?? new Map()
    byStart.set(start, bySequence.set(sequence, one))
  }
  const incidents = incidentsOf(evidence.events, zeroNs)
  for (const { sidecar, bytes } of evidence.ledgers) {
    const name = ledgerName(sidecar)
    eachRecord(bytes, zeroNs, (record) => {
      if (ofNoMessage.includes(record.type)) {
        incidents.push(rowOf(record, name, sidecar.codes, zeroNs))
        return
      }
      const start = byStart.get(startOf(record.producer, record.incarnation))
      const one = start?.get(record.sequence)
      if (!one) return
      one.key = record.key
      one.rows.push(rowOf(record, name, sidecar.codes, zeroNs))
    })
  }
  return found.map(({ identity, fates, key, rows }) => ({
    id: messageId(run, identity),
    key: keyName(key),
    fates,
    lines: withIncidents(
      rows.sort((a, b) => a.atMs - b.atMs),
      incidents,
    ).map(({ atMs, who, what, detail }) => ({ atMs, who, what, detail })),
  }))
}

function startOf(producer: number, incarnation: number): number {
  return producer * 0x1_0000 + incarnation
}
