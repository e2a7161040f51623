import { createHash } from 'node:crypto'
import type { Stored } from '../../core/driver.ts'

/** What is not found in so many looks at all is gone; one may miss what is being moved. */
const missedMax = 2

interface Nameless {
  readonly count: number
  /** The look at all that found so many. */
  readonly look: number
}

/**
 * What was shown of messages without a position, as long as they are there. Two of the same id and
 * content are one. Those that wait without an id are counted by their content.
 */
export class Shown {
  /** Message → the look at all in which it was found last. */
  readonly #named = new Map<string, number>()
  readonly #nameless = new Map<string, Nameless>()
  #found = new Map<string, number>()
  #look = 0

  begin(): void {
    this.#found = new Map()
  }

  /** Whether it was not shown before; from now on it was. */
  isNew({ message, position, failures }: Stored): boolean {
    // It has a position since it is due: shown while it was delayed, and asked for but once more.
    if (position !== undefined) {
      return this.#named.size === 0 || !this.#named.delete(`${message.id} ${contentOf(message)}`)
    }
    const content = contentOf(message)
    if (message.id === '') return this.#isOneMore(content)
    const name = `${message.id} ${content}`
    const isKnown = this.#named.has(name)
    this.#named.set(name, this.#look)
    if (isKnown) return false
    // One that said no id says no time either, until it has failed.
    const mayBeNameless = Number.isNaN(message.timeMs) || failures > 0
    return !(mayBeNameless && this.#wasNameless(content))
  }

  /** All there is was looked at. `isExact`: at one moment. */
  end(isExact: boolean): void {
    this.#look++
    const oldest = this.#look - missedMax
    for (const [name, look] of this.#named) if (look < oldest) this.#named.delete(name)
    for (const [content, { count, look }] of this.#nameless) {
      const found = this.#found.get(content) ?? 0
      if (found < count && look >= oldest && !isExact) continue
      if (found === 0) this.#nameless.delete(content)
      else this.#nameless.set(content, { count: found, look: this.#look })
    }
  }

  #isOneMore(content: string): boolean {
    const count = (this.#found.get(content) ?? 0) + 1
    this.#found.set(content, count)
    if (count <= (this.#nameless.get(content)?.count ?? 0)) return false
    this.#nameless.set(content, { count, look: this.#look })
    return true
  }

  /** Whoever takes a message gives it an id: it is one of those that waited without. */
  #wasNameless(content: string): boolean {
    const waited = this.#nameless.get(content)
    if (!waited) return false
    const count = waited.count - 1
    if (count === 0) this.#nameless.delete(content)
    else this.#nameless.set(content, { ...waited, count })
    // Taken while it was looked at, it was found twice.
    if ((this.#found.get(content) ?? 0) > count) this.#found.set(content, count)
    return true
  }
}

function contentOf({ body }: Stored['message']): string {
  return createHash('sha1').update(body).digest('base64')
}
