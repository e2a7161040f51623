/** The least value first. */
export class Heap<T> {
  readonly #values: T[] = []
  readonly #isBefore: (a: T, b: T) => boolean

  constructor(isBefore: (a: T, b: T) => boolean) {
    this.#isBefore = isBefore
  }

  get size(): number {
    return this.#values.length
  }

  /** In no order. */
  get values(): readonly T[] {
    return this.#values
  }

  peek(): T | undefined {
    return this.#values[0]
  }

  push(value: T): void {
    const values = this.#values
    let at = values.length
    values.push(value)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!this.#isBefore(value, values[parent] as T)) break
      values[at] = values[parent] as T
      at = parent
    }
    values[at] = value
  }

  pop(): T | undefined {
    const values = this.#values
    const least = values[0]
    const last = values.pop()
    if (values.length === 0 || last === undefined) return least
    let at = 0
    for (;;) {
      let child = at * 2 + 1
      if (child >= values.length) break
      const other = child + 1
      if (other < values.length && this.#isBefore(values[other] as T, values[child] as T)) {
        child = other
      }
      if (!this.#isBefore(values[child] as T, last)) break
      values[at] = values[child] as T
      at = child
    }
    values[at] = last
    return least
  }

  /** Looks at every value: for single removals only. */
  remove(value: T): void {
    const rest = this.#values.filter((other) => other !== value)
    this.clear()
    for (const other of rest) this.push(other)
  }

  clear(): void {
    this.#values.length = 0
  }
}
