import { type ChannelRef, type ChannelSpec, checkName } from '../../core/channel.ts'
import type { Pattern } from '../../core/message.ts'
import {
  archiveName,
  deadName,
  deadOptions,
  delayName,
  delayOptions,
  type Home,
  homeOf,
  logOptions,
  notesName,
  presentName,
  presentOptions,
  queueOptions,
  workersName,
} from './layout.ts'
import type { Locks } from './lock.ts'
import { rabbitmqError } from './rabbitmqErrors.ts'
import type { Notes } from './stream/notes.ts'
import type { Difference, Topology } from './topology.ts'

export type Ensured =
  | { readonly state: 'created' | 'same' }
  | { readonly state: 'differs'; readonly what: Difference[] }

/** Exchanges of these types are ours where they have the name of a channel. */
export const exchangePatterns: Readonly<Record<string, Pattern>> = {
  ...{ topic: 'stream', fanout: 'broadcast', direct: 'narrowcast' },
}

/** Makes what a channel consists of, once, and tells what is there instead. */
export class Declarations {
  readonly #topology: Topology
  readonly #locks: Locks
  readonly #notes: Notes
  readonly #declared = new Map<string, { pattern: Pattern; done: Promise<void> }>()
  readonly #delays = new Map<string, Promise<void>>()

  constructor(topology: Topology, locks: Locks, notes: Notes) {
    this.#topology = topology
    this.#locks = locks
    this.#notes = notes
  }

  async ensure({ name, pattern }: ChannelRef, signal: AbortSignal): Promise<Ensured> {
    checkName('channel', name)
    return await this.#locks.with(name, 'open', signal, async () => {
      const found = await this.find(name)
      if (found !== null && found !== pattern) return differs('pattern', pattern, found)
      const other = await this.#made(name, pattern)
      if (other !== null) return { state: 'differs', what: [other] }
      if (pattern === 'stream') await this.#notes.begin(name, signal)
      return { state: found === null ? 'created' : 'same' }
    })
  }

  /** Once per channel and session. @throws CONFLICT */
  async declared(channel: ChannelSpec, signal: AbortSignal): Promise<void> {
    const { name, pattern } = channel
    const known = this.#declared.get(name)
    if (known?.pattern === pattern) return await known.done
    const made = { pattern, done: this.#ensured(channel, signal) }
    this.#declared.set(name, made)
    try {
      await made.done
    } catch (error) {
      if (this.#declared.get(name) === made) this.#declared.delete(name)
      throw error
    }
  }

  /** The queue where what is due after so long waits, made when it is needed first. */
  async delay({ channel, queue }: Home, delayMs: number): Promise<string> {
    const name = delayName(queue, delayMs)
    const known = this.#delays.get(name) ?? this.#delayNow(name, queue, channel)
    this.#delays.set(name, known)
    try {
      await known
      return name
    } catch (error) {
      this.#delays.delete(name)
      throw error
    }
  }

  /** Somebody has removed it: it is made anew when it is asked for next. */
  forget(channel: string): void {
    this.#declared.delete(channel)
    for (const queue of this.#delays.keys()) {
      if (queue.startsWith(`${channel}:`)) this.#delays.delete(queue)
    }
  }

  async isThere({ name, pattern }: ChannelRef): Promise<boolean> {
    if (pattern === 'queue') return await this.#topology.isQueue(name)
    const type = await this.#topology.exchangeType(name)
    return type !== null && exchangePatterns[type] === pattern
  }

  /** What has that name: a pattern of ours, or what else it is. */
  async find(name: string): Promise<Pattern | `exchange ${string}` | null> {
    if (await this.#topology.isQueue(name)) return 'queue'
    const type = await this.#topology.exchangeType(name)
    return type === null ? null : (exchangePatterns[type] ?? `exchange of type ${type}`)
  }

  /** What of it is otherwise; null: it is there as wanted. */
  async #made(name: string, pattern: Pattern): Promise<Difference | null> {
    switch (pattern) {
      case 'queue':
        return await this.#queue(name)
      case 'stream':
        return await this.#stream(name)
      case 'broadcast':
        return await this.#topology.exchange(name, 'fanout')
      case 'narrowcast':
        return (
          (await this.#topology.exchange(name, 'direct')) ??
          (await this.#topology.exchange(workersName(name), 'direct')) ??
          (await this.#topology.queue(presentName(name), presentOptions))
        )
    }
  }

  async #queue(name: string): Promise<Difference | null> {
    return (
      (await this.#topology.queue(name, queueOptions(homeOf(name, null)))) ??
      (await this.#topology.queue(deadName(name), deadOptions()))
    )
  }

  async #stream(name: string): Promise<Difference | null> {
    const topology = this.#topology
    const other =
      (await topology.exchange(name, 'topic')) ??
      (await topology.queue(archiveName(name), logOptions)) ??
      (await topology.queue(notesName(name), logOptions)) ??
      (await topology.queue(deadName(name), deadOptions()))
    if (other === null) await topology.bind(archiveName(name), name)
    return other
  }

  async #ensured(channel: ChannelSpec, signal: AbortSignal): Promise<void> {
    const said = await this.ensure(channel, signal)
    if (said.state !== 'differs') return
    const [first] = said.what
    const text = `"${channel.name}": ${first?.name} is ${first?.found}, wanted ${first?.wanted}`
    throw rabbitmqError('CONFLICT', 'open', text, { channel: channel.name, hint: conflictHint })
  }

  async #delayNow(name: string, queue: string, channel: string): Promise<void> {
    const other = await this.#topology.queue(name, delayOptions(queue))
    if (other === null) return
    const text = `queue "${name}": ${other.name} is ${other.found}, wanted ${other.wanted}`
    throw rabbitmqError('CONFLICT', 'open', text, { channel, hint: conflictHint })
  }
}

const conflictHint =
  'Another program, or an older setting, has made it so: use another name, or remove it there.'

function differs(name: string, wanted: string, found: string): Ensured {
  return { state: 'differs', what: [{ name, wanted, found }] }
}
