import { NarrowcastError } from '../../core/errors.ts'
import type { Bus, Channel } from '../../runtime/api.ts'
import type { Invocation } from '../invocation.ts'
import { showDuration } from '../output/quantities.ts'
import { tellRefusals } from './refusing.ts'

const lookMs = 250
const tellAfterMs = 2_000
/** What a broker that is there gets to answer when the command is told to stop. */
const graceMs = 2_000

/**
 * Says what publishing waits for and how long it goes on, after two seconds without an answer. Told
 * to stop it closes the bus, at once where the broker is away or refuses: each message that is still
 * on its way gets its answer then.
 */
export class Waiting implements Disposable {
  readonly #invocation: Pick<Invocation, 'clock' | 'live' | 'output'>
  readonly #bus: Pick<Bus, 'health' | 'close'>
  readonly #timeoutMs: number
  readonly #refusals: Disposable
  readonly #timer: NodeJS.Timeout
  readonly #over = new AbortController()
  /** When each began that waits, the oldest first. */
  readonly #sinceMs = new Map<Promise<unknown>, number>()
  #isTold = false
  #hasClosed = false

  /** `timeoutMs`: how long a message is tried. */
  constructor(
    invocation: Pick<Invocation, 'clock' | 'live' | 'output' | 'interrupts'>,
    bus: Pick<Bus, 'health' | 'close'>,
    channel: Pick<Channel, 'name' | 'pattern'>,
    timeoutMs: number,
  ) {
    this.#invocation = invocation
    this.#bus = bus
    this.#timeoutMs = timeoutMs
    this.#refusals = tellRefusals(invocation, bus, channel)
    this.#timer = setInterval(() => this.#look(), lookMs).unref()
    // Who disposes of the bus is told how its end went.
    const stop = () => void this.#stop().catch(() => undefined)
    invocation.interrupts.claim().addEventListener('abort', stop, { signal: this.#over.signal })
  }

  async during<T>(publishing: Promise<T>): Promise<T> {
    this.#sinceMs.set(publishing, this.#invocation.clock.monotonicMs())
    try {
      return await publishing
    } finally {
      this.#sinceMs.delete(publishing)
      this.#isTold = false
    }
  }

  /** The reason, where a stop has ended the wait: the error itself only tells of a bus that closed. */
  whyEnded(error: NarrowcastError): NarrowcastError {
    if (!this.#hasClosed) return error
    const { definite, driver, channel } = error
    return new NarrowcastError('ABORTED', 'stopped while it waited for the broker', {
      ...{ definite, operation: 'publish', cause: error },
      ...(driver === null ? {} : { driver }),
      ...(channel === null ? {} : { channel }),
    })
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    this.#refusals[Symbol.dispose]()
    this.#over.abort()
  }

  #look(): void {
    const [sinceMs] = this.#sinceMs.values()
    const waitedMs = this.#invocation.clock.monotonicMs() - (sinceMs ?? Infinity)
    // Of a broker that refuses others tell.
    if (this.#isTold || waitedMs < tellAfterMs || this.#bus.health().refusals.length > 0) return
    this.#isTold = true
    const { live, output } = this.#invocation
    if (live) output.stderr.write('\r\x1b[2K') // a line of progress may stand there
    const leftMs = Math.max(0, this.#timeoutMs - waitedMs)
    output.warn(`no answer for ${showDuration(waitedMs)}; waits ${showDuration(leftMs)} more`)
  }

  async #stop(): Promise<void> {
    const { trouble, refusals } = this.#bus.health()
    const isThere = trouble === null && refusals.length === 0
    if (isThere) await this.#invocation.clock.sleep(graceMs, this.#over.signal)
    if (this.#over.signal.aborted) return
    this.#hasClosed = true
    await this.#bus.close({ timeoutMs: 0 })
  }
}
