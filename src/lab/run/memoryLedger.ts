import { type Entry, writeEntry } from '../evidence/entry.ts'
import type { LedgerFile, Sidecar } from '../evidence/evidence.ts'
import { recordBytes } from '../evidence/record.ts'

/** A ledger for actors in the process of the supervisor, which dies with all of them. */
export class MemoryLedger {
  readonly #sidecar: Sidecar
  readonly #entries: { entry: Entry; timeNs: bigint }[] = []

  constructor(sidecar: Sidecar) {
    this.#sidecar = sidecar
  }

  write(entry: Entry, timeNs: bigint): void {
    this.#entries.push({ entry, timeNs })
  }

  file(): LedgerFile {
    const bytes = new Uint8Array(this.#entries.length * recordBytes)
    const view = new DataView(bytes.buffer)
    for (const [at, { entry, timeNs }] of this.#entries.entries()) {
      writeEntry(view, at * recordBytes, this.#sidecar.actor, entry, timeNs)
    }
    return { sidecar: this.#sidecar, bytes }
  }
}
