import { type ChannelSpec, checkName, type ReaderSpec } from '../../core/channel.ts'
import type { Room, Source, SourceEvents } from '../../core/driver.ts'
import { NarrowcastError } from '../../core/errors.ts'
import type { Delivery, Settlement, SettleOutcome, Token } from '../../core/message.ts'
import { orderConflict } from '../../core/orderConflict.ts'
import type { Line } from './line.ts'
import { Reader, type Speaker } from './reader.ts'
import type { Store } from './store.ts'

/** One subscription: speaks for its reader until it is disposed, or opened anew elsewhere. */
export class MemorySource implements Source {
  readonly leaseMs: number
  readonly #store: Store
  readonly #channel: ChannelSpec
  readonly #spec: ReaderSpec
  readonly #closed: (source: MemorySource) => void
  readonly #speaker: Speaker
  #line: Line
  #reader: Reader
  #isClosed = false
  #isStopped = false
  #isReceiving = false
  /** Lost since the last renewal, which says so again. */
  #lostTokens: Token[] = []

  constructor(
    store: Store,
    channel: ChannelSpec,
    spec: ReaderSpec,
    on: SourceEvents,
    closed: (source: MemorySource) => void,
  ) {
    checkGroup(channel, spec.group)
    this.leaseMs = spec.leaseMs
    this.#store = store
    this.#channel = channel
    this.#spec = spec
    this.#closed = closed
    this.#speaker = {
      lost: (tokens, why) => {
        this.#lostTokens.push(...tokens)
        on.lost(tokens, why)
      },
      replaced: () => this.#close(),
    }
    this.#line = this.#find()
    const reader = this.#adopt(this.#line.readers.get(spec.reader))
    this.#reader = reader
    // Taken away while nobody spoke for the reader: the first renewal says so.
    this.#lostTokens = spec.holding.filter(
      ({ reader: name, serial }) =>
        name !== reader.name || (!reader.held.get(serial) && reader.answer(serial) === 'late'),
    )
  }

  async receive(room: Room, signal: AbortSignal): Promise<Delivery[]> {
    this.#check('receive')
    if (this.#isReceiving) throw this.#error('INVALID_ARGUMENT', 'receive is under way already')
    if (this.#isStopped) throw this.#error('CLOSED', 'receive: the source was stopped')
    if (!(room.messages >= 1)) {
      throw this.#error('INVALID_ARGUMENT', `receive: room for ${room.messages} messages`)
    }
    if (signal.aborted) return []
    this.#isReceiving = true
    try {
      while (!(signal.aborted || this.#isStopped || this.#isClosed)) {
        this.#line.offer() // this very reader may have expired
        const reader = this.#attach()
        const ready = this.#line.take(reader, room)
        if (ready.length > 0) return ready
        const came = await this.#line.wait(reader, room, signal)
        if (came.length > 0) return came
      }
      return []
    } finally {
      this.#isReceiving = false
    }
  }

  async settle(batch: readonly Settlement[]): Promise<SettleOutcome[]> {
    this.#check('settle')
    this.#line.offer()
    const outcomes = batch.map((settlement) => this.#line.settle(this.#reader, settlement))
    this.#line.offer()
    this.#store.channels.get(this.#channel.name)?.trim()
    return outcomes
  }

  async renew(begun: Token | null): Promise<Token[]> {
    this.#check('renew')
    this.#line.offer()
    const reader = this.#attach()
    if (begun) reader.begin(begun)
    this.#line.extend(reader)
    return this.#lostTokens.splice(0)
  }

  async deliverable(): Promise<{ messages: number; oldestMs: number }> {
    this.#check('deliverable')
    this.#line.offer()
    const isPaused = this.#store.channels.get(this.#channel.name)?.isPaused ?? false
    const messages = isPaused ? 0 : this.#line.ready
    const sinceMs =
      messages === 0 ? 0 : this.#store.clock.monotonicMs() - this.#line.oldestReadyMs()
    return { messages, oldestMs: sinceMs }
  }

  async stop(): Promise<Delivery[]> {
    this.#check('stop')
    this.#isStopped = true
    this.#reader.endWait?.()
    return []
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return
    this.#close()
    this.#line.leave(this.#reader)
  }

  #close(): void {
    this.#isClosed = true
    this.#reader.endWait?.()
    this.#closed(this)
  }

  /** The reader that is there already, with what it holds, or a new one. */
  #adopt(found: Reader | undefined): Reader {
    const { reader: name, holding } = this.#spec
    if (!found) {
      const reader = new Reader(
        this.#spec,
        this.#store.serials.floor,
        this.#store.clock.monotonicMs() + this.leaseMs,
        this.#speaker,
      )
      this.#line.readers.set(name, reader)
      this.#line.extend(reader)
      return reader
    }
    found.speaker.replaced()
    found.speaker = this.#speaker
    const held = new Set(
      holding.filter(({ reader }) => reader === name).map((token) => token.serial),
    )
    found.again = found.tokens().flatMap(({ serial }) => (held.has(serial) ? [] : serial))
    this.#line.extend(found)
    return found
  }

  #find(): Line {
    const { group, from } = this.#spec
    const line = this.#store.channel(this.#channel).line(group, from)
    line.offer()
    this.#checkOrder(line)
    return line
  }

  /** @throws CONFLICT where others are at work in another order. */
  #checkOrder(line: Line): void {
    const { reader, group, order } = this.#spec
    if (order === null || line.setOrder(order, reader)) return
    throw orderConflict('memory', this.#channel, group, order, line.order)
  }

  /** The line and the reader may have gone meanwhile: removed, or expired. */
  #attach(): Reader {
    if (this.#line.isRemoved) {
      this.#line = this.#find()
    }
    this.#checkOrder(this.#line)
    const present = this.#line.readers.get(this.#spec.reader)
    if (present === this.#reader) return present
    if (present) {
      this.#close()
      this.#check('receive')
    }
    this.#reader = this.#adopt(undefined)
    return this.#reader
  }

  #check(operation: string): void {
    if (this.#isClosed) throw this.#error('CLOSED', `${operation}: the source was closed`)
  }

  #error(code: 'CLOSED' | 'INVALID_ARGUMENT', text: string): NarrowcastError {
    return new NarrowcastError(code, `memory: ${text}`, {
      driver: 'memory',
      channel: this.#channel.name,
    })
  }
}

function checkGroup({ name, pattern }: ChannelSpec, group: string | null): void {
  if (group !== null) checkName('group', group)
  if ((pattern === 'stream') === (group !== null)) return
  const text =
    pattern === 'queue'
      ? `queue "${name}" has no groups, got "${group}"`
      : `stream "${name}" is read by a group, got none`
  throw new NarrowcastError('INVALID_ARGUMENT', `memory: ${text}`, { channel: name })
}
