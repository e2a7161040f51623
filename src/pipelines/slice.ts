import type { BatchLimits, OpenSink, Staged } from './sink.ts'

/** What one commit will hold: filled until its rows, bytes or files reach their limit. */
export class Slice {
  readonly staged: Staged[] = []
  readonly #limits: BatchLimits
  readonly #paths = new Set<string>()
  #rows = 0
  #bytes = 0

  constructor(limits: BatchLimits) {
    this.#limits = limits
  }

  get ids(): string[] {
    return this.staged.map(({ raw }) => raw.message.id)
  }

  get isFull(): boolean {
    const { rowsMax, bytesMax, pathsMax } = this.#limits
    return this.#rows >= rowsMax || this.#bytes >= bytesMax || this.#paths.size >= pathsMax
  }

  add(staged: Staged, sink: OpenSink): void {
    this.staged.push(staged)
    this.#rows += staged.rows.length
    this.#bytes += staged.raw.message.bytes
    for (const row of staged.rows) this.#paths.add(sink.pathOf(staged.raw, row))
  }
}
