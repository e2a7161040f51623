import type { ChannelSpec, ReaderSpec } from '../../core/channel.ts'
import type { Room, Source, SourceEvents } from '../../core/driver.ts'
import { NarrowcastError } from '../../core/errors.ts'
import type { Delivery, Settlement, SettleOutcome, Token } from '../../core/message.ts'
import { type ChannelRow, notFound } from './channels.ts'
import { deliverableOf } from './depth.ts'
import { LostTokens } from './lostTokens.ts'
import { expireSelf, type OpenedReader, type ReaderState, readerState } from './readers.ts'
import { Receiver, type Subscription } from './receiver.ts'
import { endReader, giveBack } from './reclaim.ts'
import { RegainedList } from './regained.ts'
import { settle } from './settle.ts'
import { readStore, type Store } from './store.ts'
import { awaken, lookMs } from './waiting.ts'

/** Settlements carried out in one transaction. */
const settleMax = 1_000

export interface SourceOptions {
  readonly store: Store
  readonly channel: ChannelRow
  readonly group: number
  readonly spec: ReaderSpec
  readonly opened: OpenedReader
  readonly on: SourceEvents
  /** Called when its session has nothing to close here any more. */
  readonly closed: (source: FileSource) => void
}

/** One subscription on the store. It holds nothing back: what it takes, `receive` returns. */
export class FileSource implements Source {
  readonly leaseMs: number
  readonly #of: Subscription
  readonly #opened: number
  readonly #closed: (source: FileSource) => void
  readonly #regained: RegainedList
  readonly #receiver: Receiver
  #receiving: Promise<Delivery[]> | null = null
  #isStopped = false
  #closing: Promise<void> | null = null

  constructor({ store, channel, group, spec, opened, on, closed }: SourceOptions) {
    this.leaseMs = spec.leaseMs
    this.#closed = closed
    this.#opened = opened.opened
    this.#of = {
      store,
      channel,
      group,
      spec,
      reader: opened.no,
      leaseMs: spec.leaseMs,
      lost: new LostTokens(on, spec.reader, opened.lostCount, opened.lostBefore),
      state: () => this.#state(),
    }
    this.#regained = new RegainedList(spec.charge, opened.regained)
    this.#receiver = new Receiver(this.#of)
    const lost = opened.lost.map((token) => ({ token, why: 'expired' as const }))
    this.#of.lost.tell({ count: opened.lostCount, lost })
  }

  receive(room: Room, signal: AbortSignal): Promise<Delivery[]> {
    const fault = this.#receiveFault(room)
    if (fault) return Promise.reject(fault)
    const receiving = this.#receive(room, signal).finally(() => {
      this.#receiving = null
    })
    this.#receiving = receiving
    return receiving
  }

  async settle(batch: readonly Settlement[], signal: AbortSignal): Promise<SettleOutcome[]> {
    this.#checkOpen('settle')
    const outcomes: SettleOutcome[] = []
    for (let from = 0; from < batch.length; from += settleMax) {
      outcomes.push(...(await this.#settleSome(batch.slice(from, from + settleMax), signal)))
    }
    return outcomes
  }

  async renew(begun: Token | null, signal: AbortSignal): Promise<Token[]> {
    this.#checkOpen('renew')
    const { store, spec, reader, lost } = this.#of
    const { db, writer, time } = store
    const work = () => {
      const nowMs = time.nowMs()
      const state = this.#state()
      if (!state) return null
      expireSelf(db, state, nowMs)
      const begunTo = begun?.reader === spec.reader ? begun.serial : 0
      db.run(
        'UPDATE reader SET deadline_ms = ?2, begun = max(begun, ?3) WHERE no = ?1',
        reader,
        Math.ceil(nowMs + this.leaseMs),
        Math.min(begunTo, state.serial),
      )
      return lost.look(db, reader, this.#state()?.lost ?? 0)
    }
    const losses = await writer.run('renew', work, { signal, durable: false })
    if (losses) lost.tell(losses)
    else this.#gone()
    return lost.takeForRenew()
  }

  deliverable(): Promise<{ messages: number; oldestMs: number }> {
    this.#checkOpen('deliverable')
    const { store, channel, group } = this.#of
    const { db, time } = store
    return readStore(store, 'deliverable', () => deliverableOf(db, channel, group, time.nowMs()))
  }

  async stop(): Promise<Delivery[]> {
    await this.#endReceive()
    return this.#receiver.readAgain(this.#regained.takeAll().map(({ serial }) => serial))
  }

  /** Of the same worker, be it under another reader name. */
  isOf(channel: ChannelSpec, { reader, worker, group }: ReaderSpec): boolean {
    const { spec } = this.#of
    if (this.#of.channel.name !== channel.name || spec.group !== group) return false
    return spec.reader === reader || spec.worker.id === worker.id
  }

  /**
   * Another source was opened for this worker. Nothing is given back: what this one held is that
   * one's now, or belongs to a lease that ends by itself.
   */
  replaced(): void {
    this.#isStopped = true
    this.#receiver.stop()
    this.#closed(this)
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #receive(room: Room, signal: AbortSignal): Promise<Delivery[]> {
    if (signal.aborted) return []
    if (!this.#regained.isEmpty) {
      const picked = this.#regained.pick(room).map(({ serial }) => serial)
      const again = await this.#receiver.readAgain(picked)
      if (again.length > 0) return again
    }
    const taken = await this.#receiver.next(room, signal)
    if (taken) return taken
    this.#gone()
    const { name } = this.#of.channel
    throw notFound('receive', name, `"${name}" or its group was removed`)
  }

  async #settleSome(some: readonly Settlement[], signal: AbortSignal): Promise<SettleOutcome[]> {
    const { store, channel, group, spec, reader, lost } = this.#of
    const { db, writer, time, bells } = store
    const work = () => {
      const nowMs = time.nowMs()
      const state = this.#state()
      if (!state) return null
      expireSelf(db, state, nowMs)
      const settler = {
        channel: channel.no,
        group,
        groupName: spec.group ?? '',
        reader,
        name: spec.reader,
        serial: state.serial,
        isQueue: channel.pattern === 'queue',
        ordering: state.ordering,
        nextSeq: state.next_seq,
      }
      const { outcomes, returned, freed, dueMs } = settle(db, settler, some, nowMs)
      const isSoon = returned > 0 && dueMs - nowMs <= lookMs * 1.5
      const ready = isSoon ? Number.POSITIVE_INFINITY : freed
      const rung = ready > 0 ? awaken(db, channel.no, ready) : []
      return { outcomes, rung, losses: lost.look(db, reader, this.#state()?.lost ?? 0) }
    }
    const done = await writer.run('settle', work, { signal })
    if (!done) {
      this.#gone()
      return some.map(() => 'late')
    }
    lost.tell(done.losses)
    bells.ring(done.rung)
    return done.outcomes
  }

  /** The channel or the group was removed, and all that it held. */
  #gone(): void {
    this.#closed(this)
    this.#receiver.rest()
    this.#of.lost.tellAll()
  }

  async #endReceive(): Promise<void> {
    this.#isStopped = true
    this.#receiver.stop()
    await this.#receiving?.catch(() => undefined) // its own caller is told
  }

  async #close(): Promise<void> {
    await this.#endReceive()
    this.#closed(this)
    const { store, channel, reader } = this.#of
    const { db, writer, bells, time } = store
    for (let isMore = true; isMore; ) {
      const work = () => {
        const state = readerState(db, reader)
        if (!state || state.opened !== this.#opened) return { isMore: false, rung: [] }
        const given = giveBack(db, state, null, false)
        if (given > 0) return { isMore: true, rung: awaken(db, channel.no, given) }
        endReader(db, reader, time.nowMs())
        return { isMore: false, rung: [] }
      }
      const step = await writer.run('close', work, { isClosing: true })
      bells.ring(step.rung)
      isMore = step.isMore
    }
  }

  /** @throws CLOSED when another source was opened for the same reader. */
  #state(): ReaderState | undefined {
    const { store, reader, spec } = this.#of
    const state = readerState(store.db, reader)
    if (!state || state.opened === this.#opened) return state
    throw this.#error('CLOSED', `another source was opened for reader ${spec.reader}`)
  }

  #receiveFault({ messages, bytes }: Room): NarrowcastError | null {
    if (this.#receiving !== null) {
      return this.#error('INVALID_ARGUMENT', 'receive: one is under way already')
    }
    if (this.#closing !== null || this.#isStopped) {
      return this.#error('CLOSED', 'receive: this source was stopped')
    }
    if (messages >= 1 && bytes >= 0) return null
    const text = `receive: room for ${messages} messages and ${bytes} bytes; expected at least one`
    return this.#error('INVALID_ARGUMENT', text)
  }

  #checkOpen(operation: string): void {
    this.#of.store.checkOpen(operation)
    if (this.#closing !== null) throw this.#error('CLOSED', `${operation}: this source was closed`)
  }

  #error(code: 'CLOSED' | 'INVALID_ARGUMENT', text: string): NarrowcastError {
    const { name } = this.#of.channel
    return new NarrowcastError(code, `file: source of "${name}": ${text}`, {
      driver: 'file',
      channel: name,
    })
  }
}
