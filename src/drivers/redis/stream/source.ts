import type { ChannelSpec, ReaderSpec } from '../../../core/channel.ts'
import type { Room, Source, SourceEvents } from '../../../core/driver.ts'
import type { Delivery, Settlement, SettleOutcome, Token } from '../../../core/message.ts'
import { soon } from '../../_shared/soon.ts'
import type { Context } from '../session.ts'
import { untilAborted } from '../untilAborted.ts'
import type { Declared } from './declared.ts'
import { deliverableOf } from './depth.ts'
import { Fetcher } from './fetcher.ts'
import type { HeldEntry } from './hand.ts'
import { Holding } from './holding.ts'
import { Keeping } from './keeping.ts'
import { wakeChannel } from './keys.ts'
import type { Line } from './line.ts'
import type { Opened } from './open.ts'
import { giveUp } from './reclaim.ts'
import { Settling } from './settling.ts'

export interface SourceOptions {
  readonly context: Context
  readonly channel: ChannelSpec
  readonly line: Line
  readonly spec: ReaderSpec
  readonly on: SourceEvents
  readonly opened: Opened
  readonly held: readonly HeldEntry[]
  readonly declared: Declared
  /** Called when its session has nothing to close here any more. */
  readonly closed: (source: StreamSource) => void
}

/** One subscription. What it takes, `receive` returns; what comes too late for it waits here. */
export class StreamSource implements Source {
  readonly leaseMs: number
  readonly #options: SourceOptions
  readonly #holding: Holding
  readonly #fetcher: Fetcher
  readonly #settling: Settling
  readonly #keeping: Keeping
  readonly #ring = () => this.#fetcher.ring()
  #isReceiving = false
  #isStopped = false
  #closing: Promise<void> | null = null

  constructor(options: SourceOptions) {
    const { spec, opened } = options
    this.leaseMs = spec.leaseMs
    this.#options = options
    const lastSerial = () => this.#fetcher.lastSerial
    const dropLost = () => this.#fetcher.dropLost()
    this.#holding = new Holding({ ...options, lastSerial, dropLost })
    const holding = this.#holding
    this.#fetcher = new Fetcher({ ...options, holding })
    this.#settling = new Settling({
      ...options,
      ...{ holding, lastSerial },
      isByKey: () => this.#fetcher.isByKey,
      expectBack: () => this.#fetcher.expectBack(),
    })
    holding.lose(opened.lost, 'expired')
    this.#keeping = new Keeping({
      ...options,
      leaseMs: spec.leaseMs,
      isResting: () => this.#fetcher.isResting,
      failed: (error) => this.#fetcher.fail(error),
    })
  }

  /** Resolves when the server has confirmed that it announces here. */
  async listen(): Promise<void> {
    const { context, channel, line, spec, closed } = this.#options
    try {
      await context.home(channel.name).subscribe(wakeChannel(channel.name), this.#ring)
    } catch (error) {
      this.#keeping.end()
      closed(this)
      await giveUp(line, spec.reader, this.#holding.opened).catch(() => undefined) // it says less
      throw error
    }
  }

  async receive(room: Room, signal: AbortSignal): Promise<Delivery[]> {
    this.#checkReceive(room)
    if (signal.aborted) return []
    this.#isReceiving = true
    try {
      return await this.#fetcher.next(room, signal)
    } finally {
      this.#isReceiving = false
    }
  }

  async settle(batch: readonly Settlement[]): Promise<SettleOutcome[]> {
    this.#checkOpen('settle')
    return await this.#settling.settle(batch)
  }

  async renew(begun: Token | null): Promise<Token[]> {
    this.#checkOpen('renew')
    return await this.#holding.renew(begun)
  }

  async deliverable(): Promise<{ messages: number; oldestMs: number }> {
    this.#checkOpen('deliverable')
    const { context, channel, line } = this.#options
    return await deliverableOf(context, channel, line.group)
  }

  async stop(signal: AbortSignal): Promise<Delivery[]> {
    this.#isStopped = true
    return await untilAborted(this.#fetcher.stop(), signal, 'stop')
  }

  /** Of the same worker, be it under another reader name. */
  isOf({ name }: ChannelSpec, { reader, worker, group }: ReaderSpec): boolean {
    const { channel, spec } = this.#options
    if (channel.name !== name || spec.group !== group) return false
    return spec.reader === reader || spec.worker.id === worker.id
  }

  /**
   * Another source was opened for this worker. Nothing is given back: what this one held is that
   * one's now, or belongs to a lease that ends by itself.
   */
  async replaced(): Promise<void> {
    this.#holding.setReplaced()
    await this.#rest()
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= soon(this.#close())
    return this.#closing
  }

  async #close(): Promise<void> {
    const { line, spec } = this.#options
    const holding = this.#holding
    await this.#rest()
    await Promise.allSettled([...holding.hand.values()].map(({ settling }) => settling))
    if (!holding.isReplaced) await giveUp(line, spec.reader, holding.opened)
  }

  /** It asks for nothing more, and nobody calls it. */
  async #rest(): Promise<void> {
    const { context, channel, closed } = this.#options
    this.#isStopped = true
    closed(this)
    this.#keeping.end()
    await this.#fetcher.stop()
    await context.home(channel.name).unsubscribe(wakeChannel(channel.name), this.#ring)
  }

  #checkReceive({ messages, bytes }: Room): void {
    this.#checkOpen('receive')
    if (this.#isReceiving) {
      throw this.#holding.error('INVALID_ARGUMENT', 'receive: one is under way already')
    }
    if (this.#isStopped) throw this.#holding.error('CLOSED', 'receive: this source was stopped')
    if (messages >= 1 && bytes >= 0) return
    const text = `receive: room for ${messages} messages and ${bytes} bytes; expected at least one`
    throw this.#holding.error('INVALID_ARGUMENT', text)
  }

  #checkOpen(operation: string): void {
    this.#options.context.checkOpen(operation)
    if (this.#closing !== null || this.#holding.isReplaced) {
      throw this.#holding.error('CLOSED', `${operation}: this source was closed`)
    }
  }
}
