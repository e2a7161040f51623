import { WebSocket } from 'ws'
import { NarrowcastError } from '../../core/errors.ts'

/** A frame as it came, not yet believed. */
export interface Frame {
  readonly PAYLOAD?: Readonly<Record<string, unknown>>
  readonly STATUS?: unknown
}

interface Waiter {
  readonly resolve: (frame: Frame) => void
  readonly reject: (error: NarrowcastError) => void
}

/** A server that keeps to the protocol sends a few. */
const inboxMax = 1_000

/** One connection to one route of the game server. */
export class Line {
  readonly #socket: WebSocket
  readonly #timer: NodeJS.Timeout
  readonly #path: string
  /** Frames that nobody has asked for yet. */
  readonly #inbox: Frame[] = []
  #waiter: Waiter | null = null
  #broken: NarrowcastError | null = null

  private constructor(socket: WebSocket, path: string, timeoutMs: number) {
    this.#socket = socket
    this.#path = path
    // One timer for all frames of this line: it is started anew with each wait.
    this.#timer = setTimeout(() => this.#timedOut(timeoutMs), timeoutMs)
    socket.on('message', (data) => this.#took(String(data)))
    socket.on('close', (code, reason) => this.#lost(`closed with ${code} ${reason}`.trim()))
    // A broken socket is closed right after.
    socket.on('error', () => {})
  }

  /** @throws CONNECT_FAILED, ABORTED */
  static open(
    url: string,
    path: string,
    times: { connectMs: number; answerMs: number },
    signal: AbortSignal,
  ): Promise<Line> {
    const address = new URL(path, url)
    const options = {
      perMessageDeflate: false,
      handshakeTimeout: times.connectMs,
      closeTimeout: 2_000,
    }
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(aborted())
      const socket = new WebSocket(address, options)
      const stop = () => socket.terminate()
      signal.addEventListener('abort', stop, { once: true })
      socket.once('open', () => {
        signal.removeEventListener('abort', stop)
        socket.removeAllListeners('error')
        resolve(new Line(socket, path, times.answerMs))
      })
      socket.once('error', (cause) => {
        signal.removeEventListener('abort', stop)
        reject(signal.aborted ? aborted() : cannotConnect(address, cause))
      })
    })
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN
  }

  send(payload: object): void {
    this.#socket.send(`{"PAYLOAD":${JSON.stringify(payload)}}`)
  }

  /** The next frame. One caller at a time. @throws CONNECTION_LOST, TIMEOUT, ABORTED */
  next(): Promise<Frame> {
    const frame = this.#inbox.shift()
    if (frame) return Promise.resolve(frame)
    if (this.#broken) return Promise.reject(this.#broken)
    this.#timer.refresh()
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject }
    })
  }

  ask(payload: object): Promise<Frame> {
    this.send(payload)
    return this.next()
  }

  /** Closes it; whoever waits gets ABORTED. Resolves when the socket is gone. */
  async close(): Promise<void> {
    clearTimeout(this.#timer)
    this.#break(aborted())
    if (this.#socket.readyState === WebSocket.CLOSED) return
    const gone = new Promise<void>((done) => this.#socket.once('close', () => done()))
    this.#socket.close(1000)
    await gone
  }

  #took(text: string): void {
    if (this.#broken) return
    let frame: Frame
    try {
      frame = JSON.parse(text) as Frame
    } catch (cause) {
      const why = `bot: ${this.#path} answered what is not JSON: ${text.slice(0, 80)}`
      this.#break(new NarrowcastError('INTERNAL', why, { cause }))
      this.#socket.terminate()
      return
    }
    const waiter = this.#waiter
    this.#waiter = null
    if (waiter) waiter.resolve(frame)
    else if (this.#inbox.push(frame) > inboxMax) {
      const why = `bot: ${this.#path} sent ${inboxMax} frames that nobody asked for`
      this.#inbox.length = 0
      this.#break(new NarrowcastError('INTERNAL', why))
      this.#socket.terminate()
    }
  }

  #lost(how: string): void {
    clearTimeout(this.#timer)
    this.#break(new NarrowcastError('CONNECTION_LOST', `bot: connection to ${this.#path} ${how}`))
  }

  #timedOut(timeoutMs: number): void {
    if (!this.#waiter) return
    const text = `bot: no word from ${this.#path} in ${timeoutMs} ms`
    this.#break(new NarrowcastError('TIMEOUT', text))
    this.#socket.terminate()
  }

  #break(error: NarrowcastError): void {
    this.#broken ??= error
    this.#waiter?.reject(this.#broken)
    this.#waiter = null
  }
}

function aborted(): NarrowcastError {
  return new NarrowcastError('ABORTED', 'bot: told to leave')
}

function cannotConnect(address: URL, cause: Error): NarrowcastError {
  const text = `bot: cannot connect to ${address.host}: ${cause.message}`
  return new NarrowcastError('CONNECT_FAILED', text, {
    cause,
    hint: 'Is the game server running? narrowcast sim server starts one.',
  })
}
