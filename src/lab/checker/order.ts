import { rankOf } from '../percentiles.ts'
import { firstNotBelow } from './firstNotBelow.ts'
import { type GroupHistory, type History, marks, told } from './history.ts'

/** Messages of one key of one start of a producer should be done in the order they were published. */
export interface Order {
  /** Among what one start of a worker did. */
  readonly perWorker: Reordering
  /** Among what all workers did. */
  readonly overall: Reordering
  /** Reordered overall, and had been delivered before. */
  readonly byRedelivery: number
  /**
   * Done, and left out of all this: an attempt to publish it was refused, or nobody knows what became
   * of it, so that it may rightly have been stored after what was published later.
   */
  readonly withoutPlace: number
}

export interface Reordering {
  /** Done after one that was published later. */
  readonly reordered: number
  /** Reordered as a share of all that were done. */
  readonly ratio: number
  /** How many places back the first of these stands, over all reordered; 0 where none is. */
  readonly extentP99: number
  readonly extentMax: number
}

/** By the first DONE of each message. What was done at the same time is in order. */
export function orderOf(
  { origins, key, told: said }: Pick<History, 'origins' | 'key' | 'told'>,
  group: Pick<GroupHistory, 'marks' | 'firstDoneNs' | 'firstDoneBy'>,
): Order {
  const originOf = new Uint32Array(group.firstDoneNs.length)
  origins.forEach(({ first, count }, origin) => {
    originOf.fill(origin, first, first + count)
  })
  const overall = new Lines()
  const perWorker: Lines[] = []
  const overallExtents: number[] = []
  const workerExtents: number[] = []
  let byRedelivery = 0
  let withoutPlace = 0
  const all = byTime(group.firstDoneNs)
  for (const message of all) {
    if (((said[message] as number) & (told.fail | told.info)) !== 0) {
      withoutPlace++
      continue
    }
    const origin = originOf[message] as number
    const ledger = group.firstDoneBy[message] as number
    perWorker[ledger] ??= new Lines()
    const inWorker = perWorker[ledger].of(origin, key[message] as number).add(message)
    if (inWorker > 0) workerExtents.push(inWorker)
    const extent = overall.of(origin, key[message] as number).add(message)
    if (extent === 0) continue
    overallExtents.push(extent)
    if (((group.marks[message] as number) & marks.redelivered) !== 0) byRedelivery++
  }
  const placed = all.length - withoutPlace
  return {
    perWorker: reordering(workerExtents, placed),
    overall: reordering(overallExtents, placed),
    byRedelivery,
    withoutPlace,
  }
}

function reordering(all: readonly number[], done: number): Reordering {
  const extents = Uint32Array.from(all).sort()
  const reordered = extents.length
  return {
    reordered,
    ratio: done === 0 ? 0 : reordered / done,
    extentP99: extents[rankOf(0.99, reordered) - 1] ?? 0,
    extentMax: extents[reordered - 1] ?? 0,
  }
}

/** All that were done, by time; at the same time as they were published. */
function byTime(doneNs: Float64Array): Uint32Array {
  const times = doneNs.toSorted() // NaN comes last; far faster than to compare by a function
  const taken = new Uint32Array(times.length)
  const messages = new Uint32Array(times.length)
  let done = 0
  for (let message = 0; message < doneNs.length; message++) {
    const ns = doneNs[message] as number
    if (Number.isNaN(ns)) continue
    const first = firstNotBelow(times, ns)
    const among = taken[first] as number
    messages[first + among] = message
    taken[first] = among + 1
    done++
  }
  return messages.subarray(0, done)
}

/** Messages of one key of one start of a producer, as they are done. Small where all are in order. */
class Line {
  /** Each that was published later than all that were done before it. */
  #maxima = new Uint32Array(4)
  #count = 0
  /** For each of the others: how many of those had been done by then. */
  readonly #late: number[] = []

  /** How many places before this the first one stands that was published later; 0: none does. */
  add(message: number): number {
    const count = this.#count
    if (count === 0 || (this.#maxima[count - 1] as number) < message) {
      this.#push(message)
      return 0
    }
    const place = count + this.#late.length
    const later = firstNotBelow(this.#maxima.subarray(0, count), message)
    const extent = place - later - firstNotBelow(this.#late, later + 1)
    this.#late.push(count)
    return extent
  }

  #push(message: number): void {
    if (this.#count === this.#maxima.length) {
      const wider = new Uint32Array(2 * this.#count)
      wider.set(this.#maxima)
      this.#maxima = wider
    }
    this.#maxima[this.#count++] = message
  }
}

/** By origin and key. Small whole numbers make a fast name. */
class Lines {
  readonly #lines = new Map<number, Line>()

  of(origin: number, key: number): Line {
    const name = origin * 0x1_0000 + key
    let line = this.#lines.get(name)
    if (!line) {
      line = new Line()
      this.#lines.set(name, line)
    }
    return line
  }
}
