import { type ErrorCode, NarrowcastError } from '../../core/errors.ts'

/** What a relay of one channel tells. */
export class RelayErrors {
  readonly #channel: string

  constructor(channel: string) {
    this.#channel = channel
  }

  noWorker(): NarrowcastError {
    const hint = 'Subscribe a worker, or let the newest wait for one: hold: { messages, ms }.'
    return this.#error('NO_WORKER', 'no live worker was there to be given a message', hint)
  }

  unknown(): NarrowcastError {
    const text = 'one worker may have been given a message; no other is'
    return this.#error('CONNECTION_LOST', text)
  }

  fenced(): NarrowcastError {
    return this.#error('FENCED', 'another relay leads; nothing was sent')
  }

  overdue(leaseMs: number): NarrowcastError {
    return this.#error('FENCED', `the lease of ${leaseMs} ms was not renewed in time`)
  }

  leadLost(why: string): NarrowcastError {
    return this.#error('FENCED', `a message was given up, for the lead is lost: ${why}`)
  }

  closed(): NarrowcastError {
    return this.#error('CLOSED', 'a message was given up, for the relay was closed before its turn')
  }

  unread(): NarrowcastError {
    return this.#error('TIMEOUT', 'its close is over, and what is unread is lost, uncounted')
  }

  #error(code: ErrorCode, text: string, hint?: string): NarrowcastError {
    const channel = this.#channel
    return new NarrowcastError(code, `relay of "${channel}": ${text}`, {
      channel,
      ...(hint === undefined ? {} : { hint }),
    })
  }
}
