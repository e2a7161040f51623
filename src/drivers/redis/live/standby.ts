import type { ChannelSpec, SubscriberSpec } from '../../../core/channel.ts'
import { systemClock } from '../../../core/clock.ts'
import { NarrowcastError } from '../../../core/errors.ts'
import { randomName } from '../../../core/ids.ts'
import { soon } from '../../_shared/soon.ts'
import { closedError, redisError } from '../redisErrors.ts'
import type { Home } from '../servers.ts'
import { untilAborted } from '../untilAborted.ts'
import { leaseKeyOf, releaseScript, standbyKeyOf, standScript } from './leadScripts.ts'
import { leadChannelOf } from './names.ts'
import { removedText } from './presence.ts'

type Answer = [isGranted: number, leftMs: number, name: string]

/** Who waits behind another one lets it go first for so long, should it be stopped. */
const headStartMs = 250

/**
 * One that waits to lead, in the order in which they came. It sleeps until the lead says that it
 * leaves, or its lease is over, and says in time that it waits still.
 */
export class Standby implements AsyncDisposable {
  readonly #home: Home
  readonly #channel: ChannelSpec
  readonly #leaseMs: number
  readonly #keys: readonly string[]
  readonly #told: string
  readonly #closing = new AbortController()
  readonly #signal: AbortSignal
  #waking = new AbortController()
  #name = ''
  #ended: Promise<unknown> = Promise.resolve()

  constructor(home: Home, channel: ChannelSpec, { leaseMs }: SubscriberSpec, signal: AbortSignal) {
    this.#home = home
    this.#channel = channel
    this.#leaseMs = leaseMs
    this.#keys = [leaseKeyOf(channel.name), standbyKeyOf(channel.name)]
    this.#told = leadChannelOf(channel.name, home)
    this.#signal = AbortSignal.any([signal, this.#closing.signal, home.ended])
    this.#signal.addEventListener('abort', () => this.#waking.abort())
  }

  /** Resolves with its fence once it leads. @throws ABORTED, CLOSED, NOT_FOUND */
  granted(): Promise<string> {
    const granted = this.#stand()
    this.#ended = granted.catch(() => undefined) // its own caller is told
    return granted
  }

  /** Ends the waiting. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(closedError('lead'))
    await this.#ended
  }

  async #stand(): Promise<string> {
    const fence = randomName(24)
    const home = this.#home
    let isGranted = false
    let asked: Promise<Answer> | null = null
    this.#checkOpen()
    try {
      await untilAborted(home.subscribe(this.#told, this.#listen), this.#signal, 'lead')
      let isTurn = false
      while (!isGranted) {
        const waking = this.#awaken()
        const args: string[] = [fence, this.#name, String(this.#leaseMs), isTurn ? '1' : '0']
        asked = home.run<Answer>(standScript, this.#keys, args, 'lead')
        const said: Answer = await untilAborted(asked, this.#signal, 'lead')
        const [granted, leftMs, name] = said
        this.#name = name
        isGranted = granted === 1
        if (isGranted) break
        this.#checkOpen()
        isTurn = leftMs === 0
        await this.#sleep(isTurn ? headStartMs : leftMs + 1, waking)
        this.#checkOpen()
      }
      return fence
    } finally {
      await soon(this.#leave(isGranted ? null : fence, asked))
    }
  }

  #awaken(): AbortSignal {
    if (this.#waking.signal.aborted) this.#waking = new AbortController()
    return this.#waking.signal
  }

  /** Not beyond a third of its own lease: then it says again that it waits. */
  async #sleep(ms: number, waking: AbortSignal): Promise<void> {
    const most = Math.min(ms, this.#leaseMs / 3)
    await systemClock.sleep(most, waking)
  }

  readonly #listen = (raw: Buffer) => {
    if (raw.toString() === removedText) {
      const { name } = this.#channel
      const text = `the channel "${name}" was removed`
      this.#closing.abort(redisError('NOT_FOUND', 'lead', text, { channel: name }))
    }
    this.#waking.abort()
  }

  /** `fence`: null where it leads. `asked`: may be unanswered yet, and may say that it leads. */
  async #leave(fence: string | null, asked: Promise<Answer> | null): Promise<void> {
    const home = this.#home
    if (home.ended.aborted) return
    await home.unsubscribe(this.#told, this.#listen)
    if (fence === null || asked === null) return
    const [granted, , name] = await asked
    const [lease = '', standby = ''] = this.#keys
    if (granted === 1) await home.run(releaseScript(home), [lease], [fence, this.#told], 'lead')
    else await home.send(['ZREM', standby, name], 'lead')
  }

  #checkOpen(): void {
    if (!this.#signal.aborted) return
    const { reason } = this.#signal
    if (reason instanceof NarrowcastError) throw reason
    throw redisError('ABORTED', 'lead', 'the wait was aborted', { channel: this.#channel.name })
  }
}
