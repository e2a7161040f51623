import type { Token } from '../../core/message.ts'
import type { Process } from './process.ts'

/** Which readers there were, and what was marked as begun for them. */
export class ReaderBook {
  readonly #begun = new Map<string, number>()
  readonly #opened = new Map<string, { readonly process: Process; readonly count: number }>()

  opened(process: Process, reader: string): void {
    const { count } = this.#opened.get(reader) ?? { count: 0 }
    this.#opened.set(reader, { process, count: count + 1 })
  }

  /** For some time nothing of it reached the store. */
  wasCutOff(reader: string): boolean {
    const opened = this.#opened.get(reader)
    return !opened || opened.count > 1 || opened.process.isDead || opened.process.wasFrozen
  }

  marks({ reader, serial }: Token): void {
    this.#begun.set(reader, Math.max(serial, this.#begun.get(reader) ?? 0))
  }

  isMarked({ reader, serial }: Token): boolean {
    return serial <= (this.#begun.get(reader) ?? 0)
  }
}
