import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Sidecar } from '../../src/lab/evidence/evidence.ts'
import { type LedgerRecord, recordBytes, writeRecord } from '../../src/lab/evidence/record.ts'
import { ledgerName } from '../../src/lab/evidence/sidecar.ts'

export interface MadeRun {
  readonly messages: number
  readonly producers: number
  readonly workers: number
  /** One of so many comes again, from a worker that failed. */
  readonly oneFailsOf: number
}

/** Between two messages of one producer. */
const stepNs = 100_000

/** Writes the ledgers of a run that never was: five records a message, as a queue leaves them. */
export async function makeRun(folder: string, run: MadeRun): Promise<void> {
  const each = run.messages / run.producers
  for (let producer = 0; producer < run.producers; producer++) {
    const sheet = new Sheet({ role: 'producer', actor: producer }, each * 2)
    for (let sequence = 0; sequence < each; sequence++) {
      const at = sequence * stepNs
      const intended = BigInt(at)
      sheet.add('invoke', producer, sequence, at, { count: 1, position: intended })
      sheet.add('ok', producer, sequence, at + 50_000, { count: 0xffff })
    }
    await sheet.save(folder)
  }
  for (let worker = 0; worker < run.workers; worker++) {
    const sheet = new Sheet(
      { role: 'worker', actor: worker },
      Math.ceil(each / run.workers) * run.producers * 6,
    )
    for (let sequence = worker; sequence < each; sequence += run.workers) {
      for (let producer = 0; producer < run.producers; producer++) {
        const at = sequence * stepNs + 60_000 + producer * 20_000
        const fails = sequence % run.oneFailsOf === worker
        if (fails) {
          sheet.add('recv', producer, sequence, at, { count: 1 })
          sheet.add('throw', producer, sequence, at + 1_000)
          sheet.add('settled', producer, sequence, at + 2_000, { flags: 1 })
        }
        sheet.add('recv', producer, sequence, at + 3_000, { count: fails ? 2 : 1 })
        sheet.add('done', producer, sequence, at + 4_000)
        sheet.add('settled', producer, sequence, at + 5_000)
      }
    }
    await sheet.save(folder)
  }
}

/** One ledger, written at once. */
class Sheet {
  readonly #sidecar: Sidecar
  readonly #bytes: Buffer
  readonly #view: DataView
  #used = 0

  constructor(whose: Pick<Sidecar, 'role' | 'actor'>, recordsMax: number) {
    this.#sidecar = { ...whose, incarnation: 0, pid: process.pid, group: null, codes: [] }
    this.#bytes = Buffer.alloc(recordsMax * recordBytes)
    this.#view = new DataView(this.#bytes.buffer)
  }

  add(
    type: LedgerRecord['type'],
    producer: number,
    sequence: number,
    timeNs: number,
    more: Partial<LedgerRecord> = {},
  ): void {
    writeRecord(this.#view, this.#used, {
      ...{ type, flags: 0, actor: this.#sidecar.actor, producer, incarnation: 0, sequence },
      ...{ key: sequence % 16, count: 0, timeNs: BigInt(timeNs), position: 0n },
      ...more,
    })
    this.#used += recordBytes
  }

  async save(folder: string): Promise<void> {
    const name = join(folder, ledgerName(this.#sidecar))
    await writeFile(`${name}.json`, JSON.stringify(this.#sidecar))
    await writeFile(`${name}.bin`, this.#bytes.subarray(0, this.#used))
  }
}
