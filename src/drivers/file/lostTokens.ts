import type { LostWhy, SourceEvents } from '../../core/driver.ts'
import type { Token } from '../../core/message.ts'
import type { Database } from './database.ts'
import { low, rowId } from './schema.ts'

export interface Lost {
  readonly token: Token
  readonly why: LostWhy
}

/** What a transaction has seen of the losses of one reader. */
export interface Losses {
  readonly count: number
  readonly lost: readonly Lost[]
}

/** Tells the owner of a source, once, what its reader has lost. */
export class LostTokens {
  readonly #on: SourceEvents
  readonly #name: string
  /** The reader's own counter, as last seen: while it stands there is nothing to look for. */
  #count: number
  readonly #told: Set<number>
  #forRenew: Token[] = []

  constructor(on: SourceEvents, name: string, count: number, told: readonly number[]) {
    this.#on = on
    this.#name = name
    this.#count = count
    this.#told = new Set(told)
  }

  /** Inside a transaction; `count` is the reader's counter at its end. */
  look(db: Database, reader: number, count: number): Losses {
    if (count === this.#count) return { count, lost: [] }
    const lost = lostOf(db, reader).flatMap(({ serial, why }) =>
      why === null || this.#told.has(serial) ? [] : { token: { reader: this.#name, serial }, why },
    )
    return { count, lost }
  }

  /** After the commit: called before anything of it is handed out by us. */
  tell({ count, lost }: Losses): void {
    this.#count = count
    for (const why of new Set(lost.map((one) => one.why))) {
      const tokens = lost.filter((one) => one.why === why).map(({ token }) => token)
      for (const { serial } of tokens) this.#told.add(serial)
      this.#forRenew.push(...tokens)
      this.#on.lost(tokens, why)
    }
  }

  /** All of it is gone, with its channel or group. */
  tellAll(): void {
    this.#on.lost('all', 'cancelled')
  }

  /** What `renew` has not returned yet. */
  takeForRenew(): Token[] {
    return this.#forRenew.splice(0)
  }
}

/** Every token of a reader that was taken from it; `why` null: it gave it up itself. */
export function lostOf(db: Database, reader: number): { serial: number; why: LostWhy | null }[] {
  return db.all(
    `SELECT ${low('token')} AS serial, why FROM lost
     WHERE token >= ${rowId('?1', '0')} AND token < ${rowId('?1 + 1', '0')}`,
    reader,
  )
}
