import type { Resumed } from '../actor/producer.ts'
import { eachRecord } from '../checker/recordCursor.ts'
import type { LedgerFile } from '../evidence/evidence.ts'
import { readRecord, recordBytes, recordTypes } from '../evidence/record.ts'
import type { Identity } from '../identity.ts'

const { recv, done, invoke, ok, fail, info } = recordTypes
const thrown = recordTypes.throw

/** Handlers that have begun and not ended; a message may have come or gone since. */
export function inHand({ bytes }: LedgerFile): number {
  let count = 0
  eachRecord(bytes, 0n, ({ type }) => {
    if (type === recv) count++
    else if (type === done || type === thrown) count--
  })
  return count
}

/** When its actor last wrote something down; null: never. */
export function lastNs({ bytes }: LedgerFile): bigint | null {
  const at = Math.floor(bytes.length / recordBytes - 1) * recordBytes
  if (at < 0) return null
  return readRecord(new DataView(bytes.buffer, bytes.byteOffset), at)?.timeNs ?? null
}

/** Where the next start of a producer goes on, by the ledger of this one and what it went on from. */
export function resumedFrom({ sidecar, bytes }: LedgerFile, before: Resumed): Resumed {
  const open = new Map(before.open.map((one) => [nameOf(one.identity), one]))
  let places = before.places
  eachRecord(bytes, 0n, ({ type, producer, incarnation, sequence }) => {
    const identity = { producer, incarnation, sequence }
    if (type === invoke && incarnation === sidecar.incarnation) {
      const place = before.places + sequence
      places = Math.max(places, place + 1)
      open.set(nameOf(identity), { identity, place })
    } else if (type === ok || type === fail || type === info) open.delete(nameOf(identity))
  })
  return { places, open: [...open.values()] }
}

function nameOf({ incarnation, sequence }: Identity): string {
  return `${incarnation} ${sequence}`
}
