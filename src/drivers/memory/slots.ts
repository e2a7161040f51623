const sizeBits = 8
const size = 1 << sizeBits

interface Chunk<T> {
  readonly values: (T | undefined)[]
  live: number
}

/**
 * Values by rising whole numbers, with holes. Reading, writing and removing cost the same however
 * many there are, and what was removed is given back chunk by chunk: one old value left behind
 * does not keep its neighbours' memory.
 */
export class Slots<T> {
  readonly #chunks = new Map<number, Chunk<T>>()
  #low = 0
  #high = -1
  #size = 0
  #recent: Chunk<T> | undefined
  #recentIndex = -1

  get size(): number {
    return this.#size
  }

  get(key: number): T | undefined {
    return this.#chunk(Math.floor(key / size))?.values[key & (size - 1)]
  }

  /** `key` must be free. */
  add(key: number, value: T): void {
    const index = Math.floor(key / size)
    let chunk = this.#chunk(index)
    if (!chunk) {
      chunk = { values: [], live: 0 }
      if (this.#chunks.size === 0) {
        this.#low = index
        this.#high = index
      } else {
        this.#low = Math.min(this.#low, index)
        this.#high = Math.max(this.#high, index)
      }
      this.#chunks.set(index, chunk)
      this.#recent = chunk
      this.#recentIndex = index
    }
    chunk.values[key & (size - 1)] = value
    chunk.live++
    this.#size++
  }

  /** False when nothing was there. */
  delete(key: number): boolean {
    const index = Math.floor(key / size)
    const chunk = this.#chunk(index)
    if (chunk?.values[key & (size - 1)] === undefined) return false
    chunk.values[key & (size - 1)] = undefined
    this.#size--
    if (--chunk.live === 0) {
      this.#chunks.delete(index)
      this.#recent = undefined
      this.#recentIndex = -1
    }
    return true
  }

  clear(): void {
    this.#chunks.clear()
    this.#recent = undefined
    this.#recentIndex = -1
    this.#size = 0
  }

  /** The smallest key at or above `from`; Infinity when there is none. */
  firstKey(from = 0): number {
    if (this.#size === 0) return Number.POSITIVE_INFINITY
    while (!this.#chunks.has(this.#low)) this.#low++
    const start = Math.max(this.#low, Math.floor(from / size))
    for (let index = start; index <= this.#high; index++) {
      const chunk = this.#chunks.get(index)
      if (!chunk) continue
      const { values } = chunk
      for (let at = index * size < from ? from & (size - 1) : 0; at < values.length; at++) {
        if (values[at] !== undefined) return index * size + at
      }
    }
    return Number.POSITIVE_INFINITY
  }

  /** The greatest key at or below `from`; -1 when there is none. */
  lastKey(from: number): number {
    if (this.#size === 0) return -1
    const start = Math.min(this.#high, Math.floor(from / size))
    for (let index = start; index >= this.#low; index--) {
      const chunk = this.#chunks.get(index)
      if (!chunk) continue
      const { values } = chunk
      let at = Math.min(values.length - 1, index * size + size > from ? from - index * size : size)
      for (; at >= 0; at--) if (values[at] !== undefined) return index * size + at
    }
    return -1
  }

  /** In rising order of keys. Only the value just seen may be removed meanwhile. */
  *values(from = 0): Generator<T> {
    for (let key = this.firstKey(from); key !== Number.POSITIVE_INFINITY; ) {
      yield this.get(key) as T
      key = this.firstKey(key + 1)
    }
  }

  #chunk(index: number): Chunk<T> | undefined {
    if (index === this.#recentIndex) return this.#recent
    const chunk = this.#chunks.get(index)
    if (chunk) {
      this.#recent = chunk
      this.#recentIndex = index
    }
    return chunk
  }
}
