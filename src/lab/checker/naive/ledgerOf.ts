import type { ActorId, LedgerFile } from '../../evidence/evidence.ts'
import { type LedgerRecord, noProducer, recordBytes, writeRecord } from '../../evidence/record.ts'

/** What somebody writes down; all that is left out is about no message, and zero. */
export type Line = Pick<LedgerRecord, 'type' | 'timeNs'> & Partial<LedgerRecord>

const beforeBytes = 8

/** The ledger of one actor with these lines, then the bytes of a torn one. */
export function ledgerOf(
  writer: ActorId,
  group: string | null,
  lines: readonly Line[],
  tornBytes = 0,
): LedgerFile {
  // What is read from a file may lie anywhere in a larger piece of memory.
  const memory = new Uint8Array(beforeBytes + lines.length * recordBytes + tornBytes).fill(1)
  const view = new DataView(memory.buffer, beforeBytes)
  for (const [at, line] of lines.entries()) {
    writeRecord(view, at * recordBytes, {
      flags: 0,
      actor: writer.actor,
      producer: noProducer,
      incarnation: 0,
      sequence: 0,
      key: 0,
      count: 0,
      position: 0n,
      ...line,
    })
  }
  return { sidecar: { ...writer, pid: 1, group, codes: [] }, bytes: memory.subarray(beforeBytes) }
}
