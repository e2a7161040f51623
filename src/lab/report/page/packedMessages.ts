import type { MessageTrail } from '../types.ts'

/** JSON for the script of the page: `{ words, messages: [[id, key, fates, [[ms, who, what, detail?] …]] …] }`. */
export class PackedMessages {
  readonly #bytesMax: number
  /** Each word stands once, and messages have its place. */
  readonly #places = new Map<string, number>()
  readonly #messages: string[] = []
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** @returns false, and does not take it, once all together would be too long. */
  add({ id, key, fates, lines }: MessageTrail): boolean {
    const packed = lines.map(({ atMs, who, what, detail }) => {
      const line = [Math.round(atMs * 1_000) / 1_000, this.#placeOf(who), this.#placeOf(what)]
      return detail === '' ? line : [...line, this.#placeOf(detail)]
    })
    const text = safeJson([id, key, fates.join(', '), packed])
    this.#bytes += Buffer.byteLength(text) + 1
    if (this.#bytes > this.#bytesMax) return false
    this.#messages.push(text)
    return true
  }

  text(): string {
    return `{"words":${safeJson([...this.#places.keys()])},"messages":[${this.#messages.join()}]}`
  }

  #placeOf(word: string): number {
    const known = this.#places.get(word)
    if (known !== undefined) return known
    this.#bytes += Buffer.byteLength(safeJson(word)) + 1
    this.#places.set(word, this.#places.size)
    return this.#places.size - 1
  }
}

/** Nothing in it ends an element of HTML, or begins another. */
function safeJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[<>&\u2028\u2029]/g,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
