import type { Database } from './database.ts'
import type { Syncer } from './syncer.ts'
import type { Writer } from './writer.ts'

/**
 * Positions reserved at a time. A power cut may take the last writes with it, so numbers are used
 * only below a bound that is known to be on the disk; after a reboot the next one begins there.
 * Nothing is lost by a jump but numbers, of which a channel has 10^12.
 */
const reserveCount = 1_000_000

interface NumberRow {
  readonly next_seq: number
  readonly reserved_seq: number
}

/** Keeps enough reserved numbers in stock for one channel. */
export class Numbers {
  readonly #db: Database
  readonly #writer: Writer
  readonly #syncer: Syncer
  readonly #channel: number
  #reserving: Promise<void> | null = null

  constructor(db: Database, writer: Writer, syncer: Syncer, channel: number) {
    this.#db = db
    this.#writer = writer
    this.#syncer = syncer
    this.#channel = channel
  }

  /** True when the stock falls low and should be filled. */
  static isLow({ next_seq, reserved_seq }: NumberRow): boolean {
    return reserved_seq - next_seq < reserveCount / 2
  }

  /** Reserves at least `count` more; one reservation at a time. */
  reserve(count = 0): Promise<void> {
    this.#reserving ??= this.#reserve(Math.max(reserveCount, count)).finally(() => {
      this.#reserving = null
    })
    return this.#reserving
  }

  async #reserve(count: number): Promise<void> {
    const asked = await this.#writer.run('reserve', () => {
      this.#db.run(
        'UPDATE channel SET asked_seq = max(asked_seq, next_seq + ?2) WHERE no = ?1',
        this.#channel,
        count,
      )
      const row = this.#db.get<{ asked_seq: number }>(
        'SELECT asked_seq FROM channel WHERE no = ?',
        this.#channel,
      )
      return row?.asked_seq ?? 0
    })
    await this.#syncer.sync()
    await this.#writer.run('reserve', () =>
      this.#db.run(
        'UPDATE channel SET reserved_seq = max(reserved_seq, ?2) WHERE no = ?1',
        this.#channel,
        asked,
      ),
    )
  }
}

/** After a reboot: what was used last may be forgotten, so every channel goes on at its bound. */
export function skipReserved(db: Database): void {
  db.run(
    'INSERT INTO gap SELECT no, next_seq, asked_seq - next_seq FROM channel WHERE asked_seq > next_seq',
  )
  db.run(
    'UPDATE channel SET next_seq = asked_seq, reserved_seq = asked_seq WHERE asked_seq > next_seq',
  )
}
