import { Heap } from './heap.ts'
import type { Item } from './message.ts'

interface Lane {
  head: Item
  readonly behind: Heap<Item>
}

const byTurn = (a: Item, b: Item) => a.turn < b.turn

/**
 * Of each key one message stands at the head, wherever it is: ready, in hand, or waiting for its
 * next try. The others wait behind it. What has no key passes by.
 */
export class Lanes {
  readonly #lanes = new Map<string, Lane>()
  #turns = 0
  #behind = 0

  /** How many wait behind another one. */
  get behind(): number {
    return this.#behind
  }

  /** The first behind each head. */
  first(): Item[] {
    return [...this.#lanes.values()].flatMap(({ behind }) => behind.peek() ?? [])
  }

  /** False when the item waits behind another one of its key from now on. It keeps its turn. */
  enter(item: Item): boolean {
    const { key } = item.stored.message
    if (key === null) return true
    if (item.turn === 0) item.turn = ++this.#turns
    const lane = this.#lanes.get(key)
    if (!lane) this.#lanes.set(key, { head: item, behind: new Heap(byTurn) })
    if (!lane || lane.head === item) return true
    lane.behind.push(item)
    this.#behind++
    return false
  }

  /** The item leaves its key. Returns who stands at the head in its stead, if it stood there. */
  leave(item: Item): Item | undefined {
    const { key } = item.stored.message
    const lane = key === null ? undefined : this.#lanes.get(key)
    if (key === null || !lane) return undefined
    if (lane.head !== item) {
      if (item.place !== 'behind') return undefined
      lane.behind.remove(item)
      this.#behind--
      return undefined
    }
    const next = lane.behind.pop()
    if (next) {
      lane.head = next
      this.#behind--
    } else this.#lanes.delete(key)
    return next
  }

  /** Forgets all but the heads that somebody has in hand. */
  purge(): void {
    this.#behind = 0
    for (const [key, { head, behind }] of this.#lanes) {
      behind.clear()
      if (head.place !== 'in-flight') this.#lanes.delete(key)
    }
  }
}
