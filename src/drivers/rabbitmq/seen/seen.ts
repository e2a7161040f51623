import type { Marks } from '../../../core/driver.ts'
import { randomName } from '../../../core/ids.ts'
import type { Token } from '../../../core/message.ts'
import { type Confirming, toQueue } from '../confirming.ts'
import type { Connection } from '../connection.ts'
import { type Home, seenName, seenOptions } from '../layout.ts'
import type { Locks } from '../lock.ts'
import { rabbitmqError } from '../rabbitmqErrors.ts'
import { readLog } from '../stream/log.ts'
import type { Topology } from '../topology.ts'
import { Book, type Entry, type Mark } from './book.ts'

export interface SeenOptions {
  readonly topology: Topology
  readonly locks: Locks
  readonly connection: Connection
  readonly confirming: Confirming
  readonly home: Home
  /** How far back it reads. */
  readonly windowMs: number
}

/** A claim may be written by a clock that is behind. */
const skewMs = 60_000

/**
 * Dedupe on consume without a store that compares: every claim is written into one stream queue, and
 * whoever is first there for an id has it. All workers read it, each keeps the ids of the window.
 */
export class Seen implements Marks {
  readonly #of: SeenOptions
  readonly #book = new Book()
  readonly #answers = new Map<string, PromiseWithResolvers<Mark[]>>()
  readonly #closing = new AbortController()
  readonly #declared: Promise<void>

  constructor(options: SeenOptions) {
    this.#of = options
    this.#declared = this.#declare()
    void this.#follow()
  }

  get hasEnded(): boolean {
    return this.#closing.signal.aborted
  }

  async claim(
    ids: readonly string[],
    by: Token,
    leaseMs: number,
    signal: AbortSignal,
  ): Promise<Mark[]> {
    if (ids.length === 0) return []
    this.#closing.signal.throwIfAborted()
    const name = randomName(16)
    const answer = Promise.withResolvers<Mark[]>()
    answer.promise.catch(() => {}) // whoever asks may have gone
    this.#answers.set(name, answer)
    const end = () => answer.reject(signal.aborted ? signal.reason : this.#closing.signal.reason)
    const over = AbortSignal.any([signal, this.#closing.signal])
    over.addEventListener('abort', end)
    try {
      const claim = { kind: 'claim', name, ids, by: ownerOf(by), leaseMs } as const
      await this.#add({ ...claim, atMs: Date.now() }, signal)
      return await answer.promise
    } finally {
      over.removeEventListener('abort', end)
      this.#answers.delete(name)
    }
  }

  async finish(
    ids: readonly string[],
    by: Token,
    keepMs: number | 'forget',
    signal: AbortSignal,
  ): Promise<void> {
    if (ids.length === 0) return
    if (keepMs !== 'forget') await this.finished(ids, keepMs, signal)
    else await this.#add({ kind: 'forget', ids, by: ownerOf(by) }, signal)
  }

  async finished(ids: readonly string[], keepMs: number, signal: AbortSignal): Promise<void> {
    await this.#add({ kind: 'done', ids, atMs: Date.now(), keepMs }, signal)
  }

  close(reason: Error): void {
    this.#closing.abort(reason)
  }

  /** One at a time: RabbitMQ 3.10 ends a connection that writes to a stream queue in the making. */
  async #declare(): Promise<void> {
    const { topology, locks, home } = this.#of
    const make = () => topology.queue(seenName(home.queue), seenOptions)
    const other = await locks.with(home.queue, 'marks', this.#closing.signal, make)
    if (other === null) return
    const text = `queue "${seenName(home.queue)}": ${other.name} is ${other.found}, wanted ${other.wanted}`
    throw rabbitmqError('CONFLICT', 'marks', text, { channel: home.channel })
  }

  /** Resolves when it is stored: who reads the log from then on finds it. */
  async #add(entry: Entry, signal: AbortSignal): Promise<void> {
    await this.#declared
    const { confirming, home } = this.#of
    const content = Buffer.from(JSON.stringify(entry))
    const frame = { content, properties: { contentType: 'application/json' } }
    const addressed = { ...frame, ...toQueue(seenName(home.queue)), delayMs: 0 }
    const [said] = await confirming.send([addressed], signal)
    if (said === 'stored') return
    signal.throwIfAborted()
    const text = `"${home.channel}": what was worked off could not be remembered (${said})`
    throw rabbitmqError('UNAVAILABLE', 'marks', text, { channel: home.channel })
  }

  async #follow(): Promise<void> {
    const { connection, home, windowMs } = this.#of
    const from = { sinceMs: Date.now() - windowMs - skewMs }
    try {
      await this.#declared
      for await (const batch of readLog(
        connection,
        seenName(home.queue),
        from,
        this.#closing.signal,
      )) {
        for (const { content } of batch) this.#take(JSON.parse(content.toString()) as Entry)
      }
    } catch (error) {
      if (!this.hasEnded) this.#closing.abort(error)
    }
  }

  #take(entry: Entry): void {
    const marks = this.#book.take(entry)
    if (entry.kind === 'claim') this.#answers.get(entry.name)?.resolve(marks)
  }
}

const ownerOf = ({ reader, serial }: Token) => `${serial} ${reader}`
