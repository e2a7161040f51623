import type { ErrorCode, NarrowcastError } from '../../../core/errors.ts'
import { type LocalLiveOptions, LocalLiveSource } from '../../_shared/live/localLiveSource.ts'
import { asReplyError, redisError } from '../redisErrors.ts'
import type { Home } from '../servers.ts'
import { wireBodyBytes } from '../wire.ts'
import { liveReader } from './liveReader.ts'

export interface LiveSourceOptions extends LocalLiveOptions {
  readonly home: Home
  /** The channel of Pub/Sub on which its messages come. */
  readonly address: string
}

/**
 * What comes on one channel of Pub/Sub. It is read from the socket at once and waits here: the
 * server ends a connection that it cannot write to.
 */
export class RedisLiveSource extends LocalLiveSource<string, LiveSourceOptions> {
  constructor(options: LiveSourceOptions) {
    super(options, liveReader(options.channel.name))
  }

  protected override async listen(): Promise<void> {
    const { home, address } = this.options
    await home.subscribe(address, this.#put, true)
  }

  protected override async unlisten(): Promise<void> {
    await this.options.home.unsubscribe(this.options.address, this.#put)
  }

  /** Nobody may count on one that has left: the connection goes. */
  protected override stays(error: unknown): void {
    this.options.home.lose(asReplyError(error, 'unsubscribe'))
  }

  protected override error(code: ErrorCode, operation: string, text: string): NarrowcastError {
    const { pattern, name } = this.options.channel
    const whole = `subscriber of ${pattern} "${name}": ${text}`
    return redisError(code, operation, whole, { channel: name })
  }

  /** Its bytes, each as one character: that is several times as light as a buffer. */
  readonly #put = (bytes: Buffer) => {
    const raw = bytes.toString('latin1')
    this.put(raw, wireBodyBytes(raw))
  }
}
