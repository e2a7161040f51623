import type { Identity } from '../identity.ts'
import { noProducer, type RecordType, writeRecord } from './record.ts'

/** What a record says besides who wrote it and when. */
export interface Entry {
  readonly type: RecordType
  /** Absent: it is about the actor itself. */
  readonly message?: Identity
  readonly key?: number
  readonly flags?: number
  readonly count?: number
  readonly position?: bigint
  /** In routed and rerouted: the worker chosen. */
  readonly target?: number
}

const aboutNobody: Identity = { producer: noProducer, incarnation: 0, sequence: 0 }

export function writeEntry(
  view: DataView,
  at: number,
  actor: number,
  entry: Entry,
  timeNs: bigint,
): void {
  const { producer, incarnation, sequence } = entry.message ?? aboutNobody
  writeRecord(view, at, {
    type: entry.type,
    flags: entry.flags ?? 0,
    actor: entry.target ?? actor,
    producer,
    incarnation,
    sequence,
    key: entry.key ?? 0,
    count: entry.count ?? 0,
    timeNs,
    position: entry.position ?? 0n,
  })
}
