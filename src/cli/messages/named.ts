import { NarrowcastError } from '../../core/errors.ts'

/** What is looked for, and how its kind is spoken of. */
export interface Kind<T> {
  /** `message` */
  readonly thing: string
  readonly channel: string
  /** `#3`, which names one thing for sure; null where it has no such name yet. */
  readonly placeOf: (found: T) => string | null
  /** What is said of one that has no such name: `delayed` */
  readonly wordOf: (found: T) => string
  /** What to do where an id names several; `place` is one of them. */
  readonly choose: (id: string, place: string) => string
  /** What to do where nothing is found. */
  readonly ifNone: string
}

/** More are only counted: their bodies may be large. */
const keptMax = 10
const idsShownMax = 3

/** The one thing that a word names: by its id, else by the end of an id, as tables print it. */
export class Named<T extends { readonly message: { readonly id: string } }> {
  readonly #word: string
  readonly #kind: Kind<T>
  readonly #whole = new Found<T>()
  readonly #ends = new Found<T>()

  /** @throws INVALID_ARGUMENT for an empty word. */
  constructor(word: string, kind: Kind<T>) {
    checkWord(kind.thing, kind.channel, word)
    this.#word = word
    this.#kind = kind
  }

  /** Looks whether this is what is meant. */
  add(item: T): void {
    if (item.message.id === this.#word) this.#whole.add(item)
    else if (item.message.id.endsWith(this.#word)) this.#ends.add(item)
  }

  /** @throws NOT_FOUND for none; INVALID_ARGUMENT for several, naming them. */
  one(): T {
    const { thing, channel, ifNone } = this.#kind
    const found = this.#whole.count > 0 ? this.#whole : this.#ends
    const [first] = found.kept
    if (first && found.count === 1) return first
    if (first && found.ids.size === 1) throw this.#twins(first.message.id, found)
    if (first) {
      const whole = [...found.ids].slice(0, idsShownMax)
      throw new NarrowcastError(
        'INVALID_ARGUMENT',
        `${found.count} ${thing}s of "${channel}" have an id that ends in ${this.#word}`,
        { channel, hint: whole.join('\n') },
      )
    }
    throw new NarrowcastError('NOT_FOUND', `"${channel}" holds no ${thing} ${this.#word}`, {
      channel,
      hint: ifNone,
    })
  }

  #twins(id: string, { count, kept }: Found<T>): NarrowcastError {
    const { thing, channel, placeOf, wordOf, choose } = this.#kind
    const places = kept.flatMap((one) => placeOf(one) ?? [])
    const others = kept.filter((one) => placeOf(one) === null)
    const list = [
      ...places,
      ...[...Map.groupBy(others, wordOf)].map(([word, some]) => `${some.length} ${word}`),
      ...(count > kept.length ? [`${count - kept.length} more`] : []),
    ]
    const [place] = places
    return new NarrowcastError(
      'INVALID_ARGUMENT',
      `${count} ${thing}s of "${channel}" have the id ${id}: ${list.join(', ')}`,
      { channel, ...(place === undefined ? {} : { hint: choose(id, place) }) },
    )
  }
}

class Found<T extends { readonly message: { readonly id: string } }> {
  readonly kept: T[] = []
  /** Different ones, as many as are kept. */
  readonly ids = new Set<string>()
  count = 0

  add(item: T): void {
    this.count++
    if (this.kept.length < keptMax) this.kept.push(item)
    if (this.ids.size < keptMax) this.ids.add(item.message.id)
  }
}

/**
 * An empty word names nothing, but every id ends in it, and what other programs write has none.
 * @throws INVALID_ARGUMENT
 */
export function checkWord(thing: string, channel: string, word: string): void {
  if (word !== '') return
  const list = thing === 'message' ? 'messages ls' : 'dead ls'
  throw new NarrowcastError('INVALID_ARGUMENT', `the id is empty: it names no ${thing}`, {
    channel,
    hint: `narrowcast ${list} ${channel} -o wide prints whole ids\nWhat another program wrote without an id gets one when it is taken`,
  })
}

/** `#42` → `42`, `#1795278225042-0` → `1795278225042-0`; null for a word that is an id. */
export function positionOf(word: string): string | null {
  return /^#\d+(-\d+)?$/.test(word) ? word.slice(1) : null
}
