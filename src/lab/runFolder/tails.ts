import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { errnoOf } from '../../pipelines/disk.ts'
import { eachRecord } from '../checker/recordCursor.ts'
import { recordBytes, recordTypes } from '../evidence/record.ts'

/** What the ledgers of a run say so far: records, not messages. */
export interface Tally {
  readonly sent: number
  readonly ok: number
  /** Refused, or nobody knows. */
  readonly notOk: number
  readonly received: number
  readonly done: number
  readonly thrown: number
}

const counted: Readonly<Record<number, keyof Tally>> = {
  [recordTypes.invoke]: 'sent',
  [recordTypes.ok]: 'ok',
  [recordTypes.fail]: 'notOk',
  [recordTypes.info]: 'notOk',
  [recordTypes.recv]: 'received',
  [recordTypes.done]: 'done',
  [recordTypes.throw]: 'thrown',
}

/** Reads ledgers as they grow, each byte once. */
export class Tails {
  readonly #folder: string
  readonly #readTo = new Map<string, number>()
  readonly #tally = { sent: 0, ok: 0, notOk: 0, received: 0, done: 0, thrown: 0 }

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Null: there are none. */
  async read(): Promise<Tally | null> {
    const names = await readdir(this.#folder).catch(() => []) // they are being moved
    for (const name of names) if (name.endsWith('.bin')) await this.#readOn(name)
    return this.#readTo.size === 0 ? null : { ...this.#tally }
  }

  async #readOn(name: string): Promise<void> {
    try {
      await using file = await open(join(this.#folder, name))
      const from = this.#readTo.get(name) ?? 0
      const { size } = await file.stat()
      const bytes = Buffer.alloc(Math.floor((size - from) / recordBytes) * recordBytes)
      const { bytesRead } = await file.read(bytes, 0, bytes.length, from)
      const whole = bytes.subarray(0, bytesRead - (bytesRead % recordBytes))
      this.#readTo.set(name, from + whole.length)
      eachRecord(whole, 0n, ({ type }) => {
        const what = counted[type]
        if (what !== undefined) this.#tally[what]++
      })
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error // it was moved since
    }
  }
}
