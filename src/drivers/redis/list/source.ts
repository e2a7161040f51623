import type { ChannelSpec, ReaderSpec } from '../../../core/channel.ts'
import type { Room, Source, SourceEvents } from '../../../core/driver.ts'
import type { Delivery, Settlement, SettleOutcome, Token } from '../../../core/message.ts'
import { soon } from '../../_shared/soon.ts'
import { redisError } from '../redisErrors.ts'
import { untilAborted } from '../untilAborted.ts'
import { deliverableOf } from './depth.ts'
import { LostTokens } from './lostTokens.ts'
import type { Queue } from './queue.ts'
import { leave, lostOf, type OpenedReader, reclaim, reclaimExpired } from './readers.ts'
import { Receiver, replacedError, type Subscription } from './receiver.ts'
import { renewScript } from './renewScript.ts'
import { Settling } from './settling.ts'

export interface SourceOptions {
  readonly queue: Queue
  readonly channel: ChannelSpec
  readonly spec: ReaderSpec
  readonly on: SourceEvents
  readonly opened: OpenedReader
  readonly ownedUntilMs: number
  readonly checkOpen: (operation: string) => void
  /** Called when its session has nothing to close here any more. */
  readonly closed: (source: ListSource) => void
}

/** One subscription on a list. What the server hands over after an abort comes with the next call. */
export class ListSource implements Source {
  readonly leaseMs: number
  readonly #of: Subscription
  readonly #checkSession: (operation: string) => void
  readonly #closed: (source: ListSource) => void
  readonly #receiver: Receiver
  readonly #settling: Settling
  /** Handed over by the server, and returned by no `receive` yet. */
  #came: Delivery[] = []
  #taking: Promise<void> | null = null
  #failure: { readonly error: unknown } | null = null
  #isReceiving = false
  #isStopped = false
  #closing: Promise<void> | null = null

  constructor({
    queue,
    channel,
    spec,
    on,
    opened,
    ownedUntilMs,
    checkOpen,
    closed,
  }: SourceOptions) {
    this.leaseMs = spec.leaseMs
    this.#checkSession = checkOpen
    this.#closed = closed
    const lost = new LostTokens(on, spec.reader, opened.lostCount, opened.lostBefore)
    this.#of = { queue, channel, spec, opened, lost, gone: () => this.#gone() }
    this.#receiver = new Receiver(this.#of, ownedUntilMs)
    this.#settling = new Settling(queue, spec.reader)
    const isNew = opened.opened === '1'
    const lostBefore = new Set(opened.lostBefore)
    // What is in hand no more and was not lost is settled: only the answer did not arrive.
    const away = ({ reader, serial }: Token) =>
      reader !== spec.reader || isNew || serial > opened.serial || lostBefore.has(serial)
    lost.tellTokens(spec.holding.filter(away), 'expired')
  }

  /** Something may be there to be taken. */
  readonly ring = (): void => this.#receiver.waiting.ring()

  async receive(room: Room, signal: AbortSignal): Promise<Delivery[]> {
    this.#checkReceive(room)
    if (signal.aborted) return []
    this.#isReceiving = true
    try {
      await this.#come(room, signal)
      if (this.#came.length > 0) return this.#pick(room)
      if (this.#failure === null) return []
      const { error } = this.#failure
      this.#failure = null
      throw error
    } finally {
      this.#isReceiving = false
    }
  }

  async settle(batch: readonly Settlement[], signal: AbortSignal): Promise<SettleOutcome[]> {
    this.#checkOpen('settle')
    signal.throwIfAborted()
    return await this.#settling.settle(batch, this.#receiver.order !== 'none')
  }

  async renew(begun: Token | null, signal: AbortSignal): Promise<Token[]> {
    this.#checkOpen('renew')
    signal.throwIfAborted()
    const { queue, channel, spec, opened, lost } = this.#of
    const { reader } = spec
    const begunTo = begun?.reader === reader ? begun.serial : 0
    const args = [reader, opened.opened, String(this.leaseMs), String(begunTo)]
    for (;;) {
      const [said, first] = await queue.run<[string, unknown]>(renewScript, 'renew', reader, args)
      if (said === 'expired') await reclaim(queue, reader)
      else if (said === 'replaced') throw replacedError(channel.name, reader)
      else {
        if (said === 'gone') this.#gone()
        else if (first !== lost.count) lost.tell(await lostOf(queue, reader), Number(first))
        return lost.takeForRenew()
      }
    }
  }

  async deliverable(): Promise<{ messages: number; oldestMs: number }> {
    this.#checkOpen('deliverable')
    await reclaimExpired(this.#of.queue)
    return await deliverableOf(this.#of.queue)
  }

  async stop(signal: AbortSignal): Promise<Delivery[]> {
    this.#checkOpen('stop')
    const stopping = this.#endReceive().then(() => this.#receiver.takeAllRegained())
    const regained = await untilAborted(stopping, signal, 'stop')
    // only now: meanwhile a receive has handed out what came
    return [...this.#came.splice(0), ...regained]
  }

  /** Of the same worker, be it under another reader name. */
  isOf(channel: ChannelSpec, { reader, worker }: ReaderSpec): boolean {
    const { spec } = this.#of
    if (this.#of.channel.name !== channel.name) return false
    return spec.reader === reader || spec.worker.id === worker.id
  }

  /**
   * Another source was opened for this worker. Nothing is given back: what this one held is that
   * one's now, or belongs to a lease that ends by itself.
   */
  async replaced(): Promise<void> {
    this.#isStopped = true
    this.#receiver.stop()
    this.#closed(this)
    await this.#of.queue.home.unsubscribe(this.#of.queue.layout.wake, this.ring)
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= soon(this.#close())
    return this.#closing
  }

  /** Until something came, it failed, or nobody waits for it any more. */
  async #come(room: Room, signal: AbortSignal): Promise<void> {
    const { promise: ended, resolve } = Promise.withResolvers<void>()
    const abort = () => {
      resolve()
      this.ring()
    }
    const isWanted = () => !(signal.aborted || this.#isStopped)
    this.#came = this.#came.filter(({ token }) => !this.#of.lost.has(token))
    signal.addEventListener('abort', abort)
    while (isWanted() && this.#came.length === 0 && this.#failure === null) {
      this.#taking ??= this.#take(room, isWanted)
      await Promise.race([this.#taking, ended])
    }
    signal.removeEventListener('abort', abort)
  }

  async #take(room: Room, isWanted: () => boolean): Promise<void> {
    try {
      const deliveries = await this.#receiver.next(room, isWanted)
      this.#came.push(...deliveries) // only now: it may be another array than before
    } catch (error) {
      this.#failure = { error }
    } finally {
      this.#taking = null
    }
  }

  #pick(room: Room): Delivery[] {
    let bytes = 0
    const full = this.#came.findIndex(({ message }, at) => {
      bytes += message.bytes
      return at === room.messages || (at > 0 && bytes > room.bytes)
    })
    return this.#came.splice(0, full < 0 ? this.#came.length : full)
  }

  #gone(): void {
    this.#closed(this)
    this.#of.lost.tellAll()
  }

  async #endReceive(): Promise<void> {
    this.#isStopped = true
    this.#receiver.stop()
    await this.#taking
  }

  async #close(): Promise<void> {
    await this.#endReceive()
    this.#closed(this)
    const { queue, spec, opened } = this.#of
    if (queue.home.ended.aborted) return // what it holds belongs to a lease that ends by itself
    await queue.home.unsubscribe(queue.layout.wake, this.ring)
    await this.#settling.giveBack(opened.opened)
    await leave(queue, spec.reader, opened.opened)
  }

  /** @throws CLOSED, INVALID_ARGUMENT */
  #checkReceive({ messages, bytes }: Room): void {
    this.#checkOpen('receive')
    if (this.#isReceiving) throw this.#error('INVALID_ARGUMENT', 'one is under way already')
    if (this.#isStopped) throw this.#error('CLOSED', 'this source was stopped')
    if (messages >= 1 && bytes >= 0) return
    const text = `room for ${messages} messages and ${bytes} bytes; expected at least one`
    throw this.#error('INVALID_ARGUMENT', text)
  }

  #checkOpen(operation: string): void {
    this.#checkSession(operation)
    if (this.#closing !== null) throw this.#error('CLOSED', `${operation}: this source was closed`)
  }

  #error(code: 'CLOSED' | 'INVALID_ARGUMENT', text: string) {
    const { name } = this.#of.channel
    return redisError(code, 'receive', `source of "${name}": ${text}`, { channel: name })
  }
}
