import { WebSocket } from 'ws'

/** Longest frame that a client may send. */
export const frameBytesMax = 65_536
/** Parts in which one message, or one frame, may come; each takes far more room than its bytes. */
export const partsMax = 256
/** Unsent bytes that are kept for a client before it counts as one that does not read. */
export const sendBytesMax = 262_144
/** How long a closed connection may take to say goodbye before its socket is destroyed. */
export const closeTimeoutMs = 2_000

/** Requests of one client that may wait for the state before its socket is paused. */
const waitingMax = 64

const closeReasons: Readonly<Record<number, string>> = {
  1002: 'not a valid WebSocket frame',
  1007: 'text that is not UTF-8',
  1008: `a message in over ${partsMax} parts`,
  1009: `a frame over ${frameBytesMax} bytes`,
}

/** One client on one route. */
export class Connection extends WebSocket {
  /** Games whose lobby this connection is, with the players that it speaks for. */
  readonly lobbies = new Map<string, Set<string>>()
  /** Code with which the server closed it for a limit; 0: it did not. */
  refusedWith = 0
  /** Called with the code when that happens. */
  onRefused: (code: number) => void = () => {}
  #waiting = 0
  #tail: Promise<void> = Promise.resolve()

  /** ws refuses a frame with a code alone; every refusal of ours has a reason. */
  override close(code?: number, reason?: string | Buffer): void {
    const ofProtocol = reason === undefined ? closeReasons[code ?? 0] : undefined
    if (ofProtocol !== undefined && code !== undefined) this.refuse(code, ofProtocol)
    else super.close(code, reason)
  }

  /** Closes for a limit that was passed; nothing of this client is heard any more. */
  refuse(code: number, reason: string): void {
    super.close(code, reason)
    if (this.refusedWith !== 0) return
    this.refusedWith = code
    this.onRefused(code)
  }

  /** Sends an answer. A client that does not read its answers is closed with 1008. */
  answer(text: string): void {
    if (this.readyState !== WebSocket.OPEN) return
    this.send(text)
    const unsent = this.bufferedAmount
    if (unsent > sendBytesMax) this.refuse(1008, `stopped reading: ${unsent} bytes unsent`)
  }

  /** Does the works of one client one after the other; `work` must not reject. */
  inTurn(work: () => Promise<void>): void {
    if (++this.#waiting > waitingMax && !this.isPaused) this.pause()
    this.#tail = this.#tail.then(work).then(() => {
      if (--this.#waiting === 0 && this.isPaused) this.resume()
    })
  }
}
