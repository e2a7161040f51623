import { setTimeout as sleep } from 'node:timers/promises'
import type { SubscriberSpec } from '../../../core/channel.ts'
import { randomName } from '../../../core/ids.ts'
import type { Home } from '../servers.ts'
import { decoded, presenceOf } from './names.ts'

/** What one says when it comes: its incarnation, and a name that no other subscription has. */
const joined = /^[\w.!~*'()%-]+ [a-z2-7]{16}$/
/** How long one that was replaced may take to leave; it does when it is frozen, or far away. */
const leaveMsMax = 2_000
/** Said to all who are there: the channel is gone. */
export const removedText = 'removed'

export interface PresenceOptions {
  readonly home: Home
  readonly channel: string
  readonly worker: SubscriberSpec['worker']
  /** Another subscription of this worker has its place: of another start, or of this one. */
  readonly replaced: (incarnation: string) => void
  readonly removed: () => void
}

/**
 * One worker is there once. Whoever comes says so on a channel that all of this id hear, and those
 * before it leave. All of them hear the same order: whoever spoke last stays.
 */
export class Presence {
  readonly #options: PresenceOptions
  readonly #channel: string
  readonly #text: string
  readonly #heard = Promise.withResolvers<void>()
  #isListening = false
  #isThere = false

  constructor(options: PresenceOptions) {
    const { home, channel, worker } = options
    this.#options = options
    this.#channel = presenceOf(channel, worker.id, home)
    this.#text = `${encodeURIComponent(worker.incarnation)} ${randomName(16)}`
  }

  /** Resolves when nobody else of this id is there, or does not hear it in time. */
  async join(): Promise<void> {
    const { home } = this.#options
    this.#isListening = true
    await home.subscribe(this.#channel, this.#listen)
    const say = home.isCluster ? 'SPUBLISH' : 'PUBLISH'
    const heard = await home.send<number>([say, this.#channel, this.#text], 'subscribe')
    await this.#hears(home.ended)
    const untilMs = performance.now() + leaveMsMax
    for (let pauseMs = 2; heard > 1 && performance.now() < untilMs; pauseMs *= 2) {
      if ((await this.#count()) <= 1) return
      await sleep(Math.min(pauseMs, 50))
    }
  }

  /** A lost session brings nothing any more, the own word included. @throws what ended it */
  async #hears(ended: AbortSignal): Promise<void> {
    const lost = () => this.#heard.resolve()
    ended.addEventListener('abort', lost)
    if (!ended.aborted) await this.#heard.promise
    ended.removeEventListener('abort', lost)
    ended.throwIfAborted()
  }

  async leave(): Promise<void> {
    this.#heard.resolve()
    if (!this.#isListening) return
    this.#isListening = false
    await this.#options.home.unsubscribe(this.#channel, this.#listen)
  }

  readonly #listen = (raw: Buffer) => {
    const text = raw.toString()
    if (text === removedText) {
      this.#options.removed()
    } else if (text === this.#text) {
      this.#isThere = true
      this.#heard.resolve()
    } else if (this.#isThere && joined.test(text)) {
      const incarnation = decoded(text.slice(0, text.indexOf(' ')))
      if (incarnation !== '') this.#options.replaced(incarnation)
    }
  }

  /** Without those who listen by a pattern. */
  async #count(): Promise<number> {
    const { home } = this.#options
    const ask = home.isCluster ? 'SHARDNUMSUB' : 'NUMSUB'
    const said = await home.send<unknown[]>(['PUBSUB', ask, this.#channel], 'subscribe')
    return Number(said[1])
  }
}
