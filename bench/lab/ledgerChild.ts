import type { Sidecar } from '../../src/lab/evidence/evidence.ts'
import { Ledger, type LedgerMode } from '../../src/lab/evidence/ledger.ts'

export interface Written {
  readonly microsPerRecord: number
}

// The body of a process: it writes one ledger, and tells what a record took.
const [folder = '.', mode = 'exact', records = '0'] = process.argv.slice(2)
const count = Number(records)
const whose = { role: 'worker', actor: 0, incarnation: 0 } as const
const sidecar: Sidecar = { ...whose, pid: process.pid, group: null, codes: [] }
const ledger = new Ledger(folder, sidecar, mode as LedgerMode)
const message = { producer: 1, incarnation: 0, sequence: 0 }
const write = (sequence: number) =>
  ledger.write({ type: 'recv', message: { ...message, sequence }, key: sequence % 16, count: 1 })
for (let sequence = 0; sequence < count / 10; sequence++) write(sequence) // until it is compiled
const started = performance.now()
for (let sequence = 0; sequence < count; sequence++) write(sequence)
const written: Written = { microsPerRecord: ((performance.now() - started) * 1_000) / count }
ledger[Symbol.dispose]()
process.stdout.write(JSON.stringify(written))
