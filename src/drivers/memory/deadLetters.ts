import type { DeadEntry, Page, PageQuery } from '../../core/driver.ts'
import type { DeadLetter } from '../../core/message.ts'
import { handedOut, type Stored } from './message.ts'
import { page } from './page.ts'
import { Slots } from './slots.ts'

export interface Dead {
  readonly stored: Stored
  readonly letter: DeadLetter
  readonly group: string | null
}

/** The dead of one channel, by a number that is never used twice. */
export class DeadLetters {
  readonly #dead = new Slots<Dead>()
  #last = 0

  get size(): number {
    return this.#dead.size
  }

  add(dead: Dead): void {
    this.#dead.add(++this.#last, dead)
  }

  get(ref: string): Dead | undefined {
    return this.#dead.get(keyOf(ref))
  }

  remove(ref: string): boolean {
    return this.#dead.delete(keyOf(ref))
  }

  page(group: string | null, query: PageQuery): Page<DeadEntry> {
    const isAsked = (dead: Dead) => group === null || dead.group === group
    return page(this.#dead, query, 0, isAsked, ({ stored, letter }, key) => ({
      ref: String(key),
      message: handedOut(stored.message),
      letter,
    }))
  }
}

/** A text that is no number names nothing. */
function keyOf(ref: string): number {
  return /^\d{1,15}$/.test(ref) ? Number(ref) : 0
}
