import type { Relay } from '../../runtime/live/relayApi.ts'
import type { ConnectionWatch } from '../connectionWatch.ts'
import type { Invocation } from '../invocation.ts'
import { shortId } from '../messages/view.ts'
import type { Feed } from '../output/feed.ts'
import { countOf, showCount } from '../output/quantities.ts'
import type { Json } from '../output/table.ts'
import type { Missed } from '../working/gaps.ts'

/** Ids of messages without a worker that a line, or an object, names. */
const idsMax = 10

interface Parts {
  readonly relay: Relay
  readonly feed: Feed
  readonly connection: ConnectionWatch
}

/** Turns what a relay tells into lines and JSON. */
export class Reporter implements Missed {
  missed = 0
  isMissedUnknown = false
  readonly #invocation: Invocation
  readonly #channel: string
  readonly #relay: Relay
  readonly #feed: Feed
  #noWorker = 0
  #ids: string[] = []
  #lost = 0

  constructor(invocation: Invocation, channel: string, { relay, feed, connection }: Parts) {
    this.#invocation = invocation
    this.#channel = channel
    this.#relay = relay
    this.#feed = feed
    relay.on('ready', ({ isReady, why }) => {
      if (isReady) this.leads()
      else if (why !== 'closed') this.standsBy(why)
    })
    relay.on('gap', ({ missed, why }) => {
      if (missed === 'unknown') this.isMissedUnknown = true
      else this.missed += missed
      this.#warn(`missed ${showCount(missed)}: ${why}`)
    })
    relay.on('error', ({ id, error }) => {
      if (id === null) {
        if (!connection.isAway) this.#warn(error.message)
      } else if (error.code === 'NO_WORKER') this.#nobody(id)
      else if (this.#lost++ === 0 || this.#lost % 100 === 0) {
        this.#warn(`${showCount(this.#lost)} not delivered, last ${shortId(id)}: ${error.message}`)
      }
    })
  }

  leads(): void {
    this.#feed.say('leads: what is published goes through here')
    void this.#event('leads', { worker: this.#relay.worker.id })
  }

  standsBy(why: string): void {
    this.#feed.say(`stands by: ${why}`)
    void this.#event('stands-by', { worker: this.#relay.worker.id, why })
  }

  /** Once a second at most: a burst is one line. */
  async flush(): Promise<void> {
    const [messages, ids] = [this.#noWorker, this.#ids]
    if (messages === 0) return
    this.#noWorker = 0
    this.#ids = []
    const more = messages > ids.length ? ', …' : ''
    const names = ids.map(shortId).join(', ') + more
    this.#feed.plain(`no worker for ${countOf(messages, 'message')}: ${names}`)
    await this.#event('no-worker', { messages, ids })
  }

  #nobody(id: string): void {
    this.#noWorker++
    if (this.#ids.length < idsMax) this.#ids.push(id)
  }

  #warn(text: string): void {
    this.#feed.say(this.#invocation.output.lookOfStderr.paint('yellow', text))
  }

  #event(what: string, fields: Readonly<Record<string, Json>>): Promise<void> {
    return this.#invocation.output.event(`relay.${what}`, { channel: this.#channel, ...fields })
  }
}
