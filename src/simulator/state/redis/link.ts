import type { Clock } from '../../../core/clock.ts'
import { asNarrowcastError, NarrowcastError } from '../../../core/errors.ts'
import { Client, type ClientOptions } from './client.ts'
import type { Reply } from './replies.ts'
import type { Script } from './script.ts'

const backoffMs = { first: 50, most: 1_000 }
/** For what is to be done on a new connection. */
const prepareMs = 5_000
const tooSlow = new NarrowcastError(
  'UNAVAILABLE',
  `sim server: the state in Redis did not answer in ${prepareMs} ms`,
)

export interface LinkOptions extends Omit<ClientOptions, 'onLost'> {
  readonly clock: Clock
  /** What has to be done on each new connection before anybody else may use it. */
  readonly prepare: (client: Client) => Promise<void>
  readonly onDown: (error: NarrowcastError) => void
  readonly onUp: () => void
}

/** A connection that comes back: for ever, with growing pauses. */
export class Link {
  readonly #options: LinkOptions
  readonly #closing = new AbortController()
  #client: Client | null = null
  #reason = new NarrowcastError('UNAVAILABLE', 'sim server: the state is not yet connected')

  private constructor(options: LinkOptions) {
    this.#options = options
  }

  /** The first connection is not tried again. @throws what `Client.open` throws */
  static async open(options: LinkOptions): Promise<Link> {
    const link = new Link(options)
    await link.#connect()
    return link
  }

  get isUp(): boolean {
    return this.#client !== null
  }

  async run(script: Script, args: readonly string[]): Promise<Reply> {
    if (!this.#client) throw this.#reason
    return await this.#client.run(script, args)
  }

  async send(args: readonly string[]): Promise<Reply> {
    if (!this.#client) throw this.#reason
    return await this.#client.send(args)
  }

  /** It does not answer. */
  lose(error: NarrowcastError): void {
    this.#client?.lose(error)
  }

  close(): void {
    this.#closing.abort()
    this.#client?.close()
    this.#client = null
    this.#reason = new NarrowcastError('CLOSED', 'sim server: the state was closed')
  }

  async #connect(): Promise<void> {
    const { url, channel, onMessage, prepare } = this.#options
    let lost: NarrowcastError | null = null
    const client = await Client.open({
      ...{ url, channel, onMessage },
      onLost: (error) => {
        lost = error
        if (this.#client === client) this.#lost(error)
      },
    })
    const timer = setTimeout(() => client.lose(tooSlow), prepareMs)
    try {
      await prepare(client)
      if (lost) throw lost
    } catch (error) {
      client.close()
      throw error
    } finally {
      clearTimeout(timer)
    }
    if (this.#closing.signal.aborted) client.close()
    else this.#client = client
  }

  #lost(error: NarrowcastError): void {
    this.#client = null
    this.#reason = error
    this.#options.onDown(error)
    void this.#reconnect()
  }

  async #reconnect(): Promise<void> {
    const { clock, onUp } = this.#options
    const { signal } = this.#closing
    for (let pauseMs = backoffMs.first; !signal.aborted; ) {
      // Jitter, so that servers which lost it together do not come back together.
      await clock.sleep(pauseMs * (0.5 + Math.random() / 2), signal)
      if (signal.aborted) return
      try {
        await this.#connect()
        if (this.#client) onUp()
        return
      } catch (error) {
        const { message, hint } = asNarrowcastError(error)
        this.#reason = new NarrowcastError('UNAVAILABLE', message, hint === null ? {} : { hint })
        pauseMs = Math.min(pauseMs * 2, backoffMs.most)
      }
    }
  }
}
