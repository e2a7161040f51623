import type { ChannelSpec, ReaderSpec } from '../../../core/channel.ts'
import type { LostWhy, Source, SourceEvents } from '../../../core/driver.ts'
import type { Delivery, Settlement, SettleOutcome, Token } from '../../../core/message.ts'
import { redisError } from '../redisErrors.ts'
import type { Context } from '../session.ts'
import { Begun } from './begun.ts'
import type { Declared } from './declared.ts'
import { promoteDelayed } from './delayed.ts'
import { deliverableOf } from './depth.ts'
import { Fetcher } from './fetcher.ts'
import { Hand, type HeldEntry } from './hand.ts'
import { isQueue, wakeChannel } from './keys.ts'
import type { Line } from './line.ts'
import { type Opened, open } from './open.ts'
import { giveUp } from './reclaim.ts'
import { reconcile } from './reconcile.ts'
import { renew } from './renew.ts'
import { trim } from './retention.ts'
import { type Open, settle, settleMax } from './settle.ts'
import type { Room } from './take.ts'

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

const keepEveryMs = 1_000
/** How many leases a consumer of others may be silent before what it holds is taken back. */
const silentLeases = 10

/** One subscription. What it takes, `receive` returns; what comes too late for it waits here. */
export class StreamSource implements Source {
  readonly leaseMs: number
  readonly #options: SourceOptions
  readonly #hand = new Hand()
  readonly #fetcher: Fetcher
  readonly #ring = () => this.#fetcher.ring()
  #opened: Opened
  /** Lost since the last renewal, which says so again. */
  #lostTokens: Token[] = []
  /** Marked as begun up to here. */
  #begunTo = 0
  #isReceiving = false
  #isStopped = false
  #isReplaced = false
  #attaching: Promise<void> | null = null
  #closing: Promise<void> | null = null
  readonly #keeping: NodeJS.Timeout
  #reconciledMs = performance.now()

  constructor(options: SourceOptions) {
    const { spec, opened, held, context } = options
    this.leaseMs = spec.leaseMs
    this.#options = options
    this.#opened = opened
    for (const one of held) this.#hand.add(one)
    this.#fetcher = new Fetcher({
      ...options,
      hand: this.#hand,
      opened: () => this.#opened.opened,
      again: (opened) => this.#attachAgain(opened),
      replaced: () => this.#throwReplaced(),
      lost: (tokens) => this.#lost(tokens, 'expired'),
    })
    this.#lost(opened.lost, 'expired')
    this.#keeping = setInterval(() => this.#keep(), keepEveryMs)
    const { ended } = context.home(options.channel.name)
    ended.addEventListener('abort', () => clearInterval(this.#keeping), { once: true })
  }

  /** Resolves when the server has confirmed that it announces here. */
  async listen(): Promise<void> {
    const { context, channel, line, spec, closed } = this.#options
    try {
      await context.home(channel.name).subscribe(wakeChannel(channel.name), this.#ring)
    } catch (error) {
      clearInterval(this.#keeping)
      closed(this)
      await giveUp(line, spec.reader, this.#opened.opened).catch(() => undefined) // it says less
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
    const asked: Open[] = []
    const before = new Set<Promise<void>>()
    const done = Promise.withResolvers<void>()
    const answers = batch.map((settlement) => {
      const answer = this.#answer(settlement)
      if (typeof answer === 'string') return answer
      if (answer.settling !== null) before.add(answer.settling)
      else {
        answer.settling = done.promise
        asked.push({ held: answer, settlement })
      }
      return answer
    })
    this.#settleAll(asked).then(done.resolve, done.reject)
    await Promise.all([done.promise, ...before])
    return answers.map((answer) =>
      typeof answer === 'string' ? answer : (answer.outcome ?? 'late'),
    )
  }

  async renew(begun: Token | null): Promise<Token[]> {
    this.#checkOpen('renew')
    const { spec, line } = this.#options
    const isMarking = spec.charge === 'marked' && begun?.reader === spec.reader
    const upTo = isMarking ? begun.serial : 0
    const marked = upTo > this.#begunTo ? this.#notBegun(upTo) : []
    const { opened } = this.#opened
    // Before each batch it is asked for the mark alone: takes under way would not let it add up.
    const expected = begun === null ? this.#hand.size : null
    const before = begun === null ? [...this.#hand.values()].filter(isOpen) : []
    const mark = marked.length > 0 ? new Begun(upTo, marked) : null
    const over = this.#hand.takeOver()
    const { state, owned } = await renew(line, { spec, opened, begun: mark, over, expected })
    this.#begunTo = Math.max(this.#begunTo, upTo)
    if (state === 'replaced') this.#throwReplaced()
    else if (state === 'expired') await this.#attachAgain(opened)
    else if (owned) {
      const isLost = (held: HeldEntry) =>
        isOpen(held) &&
        this.#hand.get(held.token) !== undefined &&
        owned.get(held.token.entry) !== held.token.count
      await this.#tellTaken(before.filter(isLost))
    }
    return this.#lostTokens.splice(0)
  }

  async deliverable(): Promise<{ messages: number; oldestMs: number }> {
    this.#checkOpen('deliverable')
    const { context, channel, line } = this.#options
    return await deliverableOf(context, channel, line.group)
  }

  async stop(): Promise<Delivery[]> {
    this.#isStopped = true
    return await this.#fetcher.stop()
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
    this.#isReplaced = true
    await this.#rest()
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const { line, spec } = this.#options
    await this.#rest()
    await Promise.allSettled([...this.#hand.values()].map(({ settling }) => settling))
    if (!this.#isReplaced) await giveUp(line, spec.reader, this.#opened.opened)
  }

  /** It asks for nothing more, and nobody calls it. */
  async #rest(): Promise<void> {
    const { context, channel, closed } = this.#options
    this.#isStopped = true
    closed(this)
    clearInterval(this.#keeping)
    await this.#fetcher.stop()
    await context.home(channel.name).unsubscribe(wakeChannel(channel.name), this.#ring)
  }

  /** Also while nobody receives, what is due gets its place, and what may be forgotten goes. */
  #keep(): void {
    const { context, channel, line, declared } = this.#options
    const { name } = channel
    const silentMs = silentLeases * this.leaseMs
    const isLong = performance.now() - this.#reconciledMs >= silentMs
    if (isLong) this.#reconciledMs = performance.now()
    const kept: Promise<unknown>[] = [
      ...(isLong ? [reconcile(line, silentMs)] : []),
      ...(this.#fetcher.isResting ? [promoteDelayed(context, name)] : []),
      ...(declared.isRetained ? [trim(context, name, declared.retention)] : []),
    ]
    for (const one of kept) one.catch((error: unknown) => this.#fetcher.fail(error))
  }

  #notBegun(upTo: number): HeldEntry[] {
    const found: HeldEntry[] = []
    for (const held of this.#hand.values()) {
      const { serial } = held.token
      const isNew = serial > this.#begunTo && serial <= upTo
      if (isNew && held.begun === null && isOpen(held)) found.push(held)
    }
    return found
  }

  /** The answer for one settlement, or what it is about. */
  #answer({ token }: Settlement): SettleOutcome | HeldEntry {
    if (token.reader !== this.#options.spec.reader) return 'late'
    const held = this.#hand.get(token)
    if (held) return held
    const isOurs = token.serial <= this.#fetcher.lastSerial
    return isOurs && !this.#hand.wasLost(token.serial) ? 'settled' : 'late'
  }

  /** Apart: where the place of the dead takes nothing, the others are settled nevertheless. */
  async #settleAll(all: readonly Open[]): Promise<void> {
    const isDead = ({ settlement }: Open) => settlement.kind === 'dead'
    const dead = all.filter(isDead)
    const others = dead.length === 0 ? all : all.filter((one) => !isDead(one))
    const settling: Promise<void>[] = []
    for (const part of [others, dead]) {
      for (let from = 0; from < part.length; from += settleMax) {
        settling.push(this.#settle(part.slice(from, from + settleMax)))
      }
    }
    for (const one of await Promise.allSettled(settling)) {
      if (one.status === 'rejected') throw one.reason
    }
  }

  async #settle(batch: readonly Open[]): Promise<void> {
    const { context, channel, line, spec } = this.#options
    const { opened } = this.#opened
    const isByKey = this.#fetcher.isByKey
    const settler = {
      context,
      line,
      reader: spec.reader,
      opened,
      isQueue: isQueue(channel),
      isByKey,
    }
    try {
      const state = await settle(settler, batch)
      if (state === 'replaced') this.#isReplaced = true
    } catch (error) {
      for (const { held } of batch) held.settling = null
      throw error
    }
    for (const { held } of batch) if (held.outcome === 'settled') this.#hand.drop(held)
    const late = batch.filter(({ held }) => held.outcome === 'late')
    this.#lost(
      late.map(({ held }) => held.token),
      'expired',
    )
    if (batch.some(({ settlement: { kind } }) => kind === 'retry' || kind === 'release')) {
      this.#fetcher.expectBack()
    }
  }

  /** Somebody has moved the group, or removed the message. */
  async #tellTaken(lost: readonly HeldEntry[]): Promise<void> {
    const { line } = this.#options
    for (const { token } of lost) {
      const range = ['XRANGE', line.channel, token.entry, token.entry]
      const isThere = (await line.send<unknown[]>(range, 'bytes')).length > 0
      this.#lost([token], isThere ? 'revoked' : 'cancelled')
    }
  }

  /** The lease had ended while it was open as this: all that it held is lost. */
  async #attachAgain(opened: string): Promise<void> {
    if (opened !== this.#opened.opened) return
    this.#attaching ??= this.#attachNow().finally(() => {
      this.#attaching = null
    })
    await this.#attaching
  }

  async #attachNow(): Promise<void> {
    const { line, spec, channel } = this.#options
    const held = [...this.#hand.values()].map(({ token }) => token)
    this.#lost(held, 'expired')
    this.#opened = await open(line, channel, spec, [], this.#fetcher.lastSerial)
  }

  #lost(tokens: readonly Token[], why: LostWhy): void {
    if (tokens.length === 0) return
    for (const token of tokens) {
      const held = this.#hand.get(token)
      if (held) this.#hand.lose(held)
      else this.#hand.noteLost(token.serial)
    }
    this.#fetcher.dropLost()
    this.#lostTokens.push(...tokens)
    this.#options.on.lost(tokens, why)
  }

  /** Another source was opened for this reader, and speaks for it from now on. */
  #throwReplaced(): never {
    this.#isReplaced = true
    throw this.#error('CLOSED', `another source was opened for ${this.#options.spec.reader}`)
  }

  #checkReceive({ messages, bytes }: Room): void {
    this.#checkOpen('receive')
    if (this.#isReceiving) {
      throw this.#error('INVALID_ARGUMENT', 'receive: one is under way already')
    }
    if (this.#isStopped) throw this.#error('CLOSED', 'receive: this source was stopped')
    if (messages >= 1 && bytes >= 0) return
    const text = `receive: room for ${messages} messages and ${bytes} bytes; expected at least one`
    throw this.#error('INVALID_ARGUMENT', text)
  }

  #checkOpen(operation: string): void {
    this.#options.context.checkOpen(operation)
    if (this.#closing !== null || this.#isReplaced) {
      throw this.#error('CLOSED', `${operation}: this source was closed`)
    }
  }

  #error(code: 'CLOSED' | 'INVALID_ARGUMENT', text: string) {
    const { name } = this.#options.channel
    return redisError(code, 'source', `"${name}": ${text}`, { channel: name })
  }
}

const isOpen = ({ settling }: HeldEntry): boolean => settling === null
