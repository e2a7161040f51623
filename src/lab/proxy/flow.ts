import type { Duplex } from 'node:stream'
import { type Pace, unhindered } from './pace.ts'

interface Piece {
  /** Null: its sender has ended. */
  readonly bytes: Buffer | null
  readonly dueMs: number
}

/**
 * One direction of a connection. What cannot go on is left with its sender: beside a delay, no more
 * is kept here than one reading of the socket.
 */
export class Flow {
  readonly #from: Duplex
  readonly #to: Duplex
  readonly #passed: () => void
  readonly #kept: Piece[] = []
  #keptBytes = 0
  #isHeld = false
  #hasEnded = false
  #isOver = false
  #pace: Pace = unhindered
  #wake: (NodeJS.Timeout | NodeJS.Immediate) | null = null

  /** `passed` is told each time that something has gone on. */
  constructor(from: Duplex, to: Duplex, passed: () => void) {
    this.#from = from
    this.#to = to
    this.#passed = passed
    from.on('data', (bytes) => this.#keep(bytes))
    from.on('end', () => this.#keep(null))
    from.on('close', () => this.#keep(null)) // by us: what it has sent goes on, and then it ends
    to.on('drain', () => this.#pump())
    to.on('close', () => this.#stop())
  }

  /** What is kept back by an earlier pace goes on at once. */
  follow(isHeld: boolean, pace: Pace): void {
    if (this.#isOver) return
    this.#isHeld = isHeld
    this.#pace = pace
    this.#kept.forEach((piece, at) => {
      this.#kept[at] = { ...piece, dueMs: 0 }
    })
    this.#pump()
  }

  #keep(bytes: Buffer | null): void {
    if (this.#isOver || this.#hasEnded) return
    this.#hasEnded = bytes === null
    const delayMs = this.#pace.delayMs()
    this.#kept.push({ bytes, dueMs: delayMs === 0 ? 0 : performance.now() + delayMs })
    this.#keptBytes += bytes?.length ?? 0
    this.#pump()
  }

  #pump(): void {
    this.#stopWaiting()
    while (!this.#isHeld && !this.#to.writableNeedDrain) {
      const [first] = this.#kept
      if (first === undefined) break
      const earlyMs = first.dueMs === 0 ? 0 : first.dueMs - performance.now()
      if (earlyMs > 0) {
        this.#wait(earlyMs)
        break
      }
      if (!this.#send(first)) break
    }
    this.#read()
  }

  /** True: all of it has gone. */
  #send({ bytes, dueMs }: Piece): boolean {
    if (bytes === null) {
      this.#kept.shift()
      this.#to.end()
      return true
    }
    const { bytes: size, waitMs } = this.#pace.allow(bytes.length)
    if (size === bytes.length) this.#kept.shift()
    else this.#kept[0] = { bytes: bytes.subarray(size), dueMs }
    this.#keptBytes -= size
    if (size > 0) {
      this.#to.write(bytes.subarray(0, size))
      this.#passed()
    }
    if (size === bytes.length) return true
    this.#wait(waitMs)
    return false
  }

  #read(): void {
    const isFull = this.#keptBytes > this.#pace.keptBytesMax
    if (this.#isHeld || isFull || this.#to.writableNeedDrain) this.#from.pause()
    else this.#from.resume()
  }

  #wait(ms: number): void {
    const pump = () => this.#pump()
    this.#wake = ms > 0 ? setTimeout(pump, Math.ceil(ms)) : setImmediate(pump)
  }

  #stopWaiting(): void {
    this.#wake?.[Symbol.dispose]()
    this.#wake = null
  }

  /** Nobody is there any more: the rest is read for its end alone. */
  #stop(): void {
    this.#isOver = true
    this.#stopWaiting()
    this.#kept.length = 0
    this.#keptBytes = 0
    this.#from.resume()
  }
}
