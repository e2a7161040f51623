import { NarrowcastError } from '../../core/errors.ts'
import type { Role, Sidecar } from '../evidence/evidence.ts'
import { type RecordType, recordTypes, typeNames } from '../evidence/record.ts'
import type { RecordCursor } from './recordCursor.ts'

const ofWorkers: readonly RecordType[] = [
  'recv',
  'done',
  'throw',
  'settled',
  'assign',
  'revoke',
  'cut',
  'back',
  'error',
  'lost',
  'stall',
  'gap',
]
const written: Readonly<Record<Role, readonly RecordType[]>> = {
  producer: ['invoke', 'ok', 'fail', 'info'],
  worker: ofWorkers,
  drainReader: [...ofWorkers, 'left'],
  deadReader: ['dead', 'left'],
  relay: ['taken', 'routed', 'rerouted', 'noWorker'],
}

/**
 * Checks the records of one ledger, in their order: each is of a type that its role writes, by
 * this actor, and not earlier than the one before.
 */
export function soundRecords(sidecar: Sidecar): (record: RecordCursor) => void {
  const { role, actor, incarnation } = sidecar
  const mayWrite = Uint8Array.from(typeNames, (name) =>
    name !== undefined && written[role].includes(name) ? 1 : 0,
  )
  let lastNs = Number.NEGATIVE_INFINITY
  let count = 0
  return (record) => {
    const { type, timeNs } = record
    const namesTarget = type === recordTypes.routed || type === recordTypes.rerouted
    const what = !mayWrite[type]
      ? `is of type ${typeNames[type] ?? type}, which a ${role} does not write`
      : !namesTarget && record.actor !== actor
        ? `says that ${role} ${record.actor} wrote it`
        : timeNs < lastNs
          ? 'is earlier than the one before'
          : null
    if (what !== null)
      throw unsound(`ledger of ${role} ${actor}, start ${incarnation}: record ${count} ${what}`)
    lastNs = timeNs
    count++
  }
}

/** What the lab wrote down contradicts itself: a defect of the lab, and no verdict about a broker. */
export function unsound(what: string): NarrowcastError {
  return new NarrowcastError('INTERNAL', `lab: the evidence contradicts itself: ${what}`, {
    operation: 'check the evidence of a run',
  })
}
