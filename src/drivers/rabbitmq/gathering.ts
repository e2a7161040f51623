import type { Writable } from 'node:stream'

/** Of a socket. */
export type Gathered = Pick<Writable, 'cork' | 'uncork' | 'prependListener'>

/**
 * The client writes each message by a call to the system, which costs more than all else that it
 * does for one. Here what is sent in one turn of the event loop leaves by one call, no later.
 */
export class Gathering {
  readonly #socket: Gathered
  #isCorked = false

  constructor(socket: Gathered) {
    this.#socket = socket
    // What the socket had no room for is written now: the client hears of it after this.
    socket.prependListener('drain', this.turn)
  }

  /** To be called when something was sent, in the same turn. */
  readonly turn = (): void => {
    if (this.#isCorked) return
    this.#isCorked = true
    this.#socket.cork()
    // The client learns in a tick what to write, and writes in an immediate: this one comes next.
    process.nextTick(() => {
      setImmediate(() => {
        this.#isCorked = false
        this.#socket.uncork()
      })
    })
  }
}
