import type { SubscriberSpec } from '../../core/channel.ts'
import type { Lead } from '../../core/driver.ts'
import { type ChannelRow, notFound } from './channels.ts'
import type { Database } from './database.ts'
import { makeInbox } from './liveInbox.ts'
import { FileLiveSource, type LiveSourceOptions } from './liveSource.ts'
import { addSubscriber, dropExpired, dropSubscriber } from './liveSubscribers.ts'
import { Sleeper } from './sleeper.ts'
import { readStore, type Store } from './store.ts'
import { closedError, notBegun } from './storeErrors.ts'
import { lookMs } from './waiting.ts'

/** The relay that leads: its fence is the number of its row, of which each grant has its own. */
export class FileLead extends FileLiveSource implements Lead {
  readonly fence: string

  constructor(options: Omit<LiveSourceOptions, 'role' | 'opened' | 'resumed' | 'ended'>) {
    const { store, channel, no } = options
    const ended = () => ahead(store.db, channel.no, store.time.nowMs())?.bell ?? null
    super({ ...options, role: 'lead', opened: 1, resumed: false, ended })
    this.fence = String(no)
  }

  /** Its session closes in order: the next one leads at once. */
  override close(): Promise<void> {
    return this[Symbol.asyncDispose]()
  }
}

/** Inside a transaction: does this lead still hold? */
export function leads(db: Database, channel: number, fence: string, nowMs: number): boolean {
  const sql = `SELECT 1 FROM subscriber
    WHERE channel = ?1 AND role = 'lead' AND CAST(no AS TEXT) = ?2 AND deadline_ms > ?3`
  return db.get(sql, channel, fence, nowMs) !== undefined
}

/** Who waits behind another one lets it go first for so long, should it be stopped. */
const headStartMs = 250

interface Row {
  readonly no: number
  readonly role: 'lead' | 'candidate'
  readonly bell: string
  readonly deadline_ms: number
}

/** Whoever leads, else who has waited longest. A row whose lease has ended stands in nobody's way. */
function ahead(db: Database, channel: number, nowMs: number): Row | undefined {
  return db.get<Row>(
    `SELECT no, role, bell, deadline_ms FROM subscriber
     WHERE channel = ?1 AND role IN ('lead', 'candidate') AND deadline_ms > ?2
     ORDER BY role DESC, no LIMIT 1`,
    channel,
    nowMs,
  )
}

/**
 * One that waits to lead, in the order in which they came. It has a row too, with a lease of its
 * own, so that a lead which ends can ring for it; else it looks again when the lease of the lead
 * ends, and once a second.
 */
export class Candidate implements AsyncDisposable {
  readonly #store: Store
  readonly #channel: ChannelRow
  readonly #spec: SubscriberSpec
  readonly #signal: AbortSignal
  readonly #closing = new AbortController()
  readonly #sleeper: Sleeper
  #no = 0
  #isRung = false
  /** When nobody leads, and who is ahead does not take it. */
  #turnMs = Number.POSITIVE_INFINITY
  #waiting: Promise<number> | null = null

  constructor(store: Store, channel: ChannelRow, spec: SubscriberSpec, signal: AbortSignal) {
    this.#store = store
    this.#channel = channel
    this.#spec = spec
    this.#signal = AbortSignal.any([signal, this.#closing.signal])
    this.#sleeper = new Sleeper(store.time.clock)
  }

  /** Resolves once it leads, with the number of its row. */
  granted(): Promise<number> {
    this.#waiting ??= this.#wait()
    return this.#waiting
  }

  /** Ends the waiting. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(closedError('lead'))
    await this.#waiting?.catch(() => undefined) // its own caller is told
  }

  async #wait(): Promise<number> {
    const { bells, db, writer } = this.#store
    const wake = () => {
      this.#isRung = true
      this.#sleeper.wake()
    }
    const stopListening = bells.listen(wake)
    this.#signal.addEventListener('abort', wake)
    try {
      for (;;) {
        this.#isRung = false
        const options = { signal: this.#signal, durable: false }
        const { no, isLead } = await writer.run('lead', () => this.#claim(), options)
        this.#no = no
        if (isLead) return no
        await this.#sleep()
        if (this.#signal.aborted) throw notBegun('lead', db.path, this.#signal, false)
      }
    } catch (error) {
      await this.#leave()
      throw error
    } finally {
      stopListening()
      this.#signal.removeEventListener('abort', wake)
    }
  }

  /** Until something rings, or a look finds that a claim is worth it. */
  async #sleep(): Promise<void> {
    while (!this.#isRung) {
      const leftMs = await readStore(this.#store, 'lead', () => this.#leftMs())
      if (leftMs <= 0 || this.#isRung) return
      await this.#sleeper.sleep(leftMs)
    }
  }

  /** How long nothing is to be done: another one is ahead, and our lease need not be renewed. */
  #leftMs(): number {
    const { db, time } = this.#store
    const { leaseMs } = this.#spec
    const nowMs = time.nowMs()
    const other = ahead(db, this.#channel.no, nowMs)
    const own = db.get<{ deadline_ms: number }>(
      'SELECT deadline_ms FROM subscriber WHERE no = ?',
      this.#no,
    )
    if (!own || !other || other.no === this.#no) return 0
    if (own.deadline_ms - nowMs <= (leaseMs * 2) / 3) return 0
    const isFree = other.role === 'candidate'
    this.#turnMs = isFree ? Math.min(this.#turnMs, nowMs + headStartMs) : Number.POSITIVE_INFINITY
    const nextMs = isFree ? this.#turnMs : other.deadline_ms
    return Math.min(lookMs, Math.max(1, leaseMs / 3), nextMs - nowMs)
  }

  /** Inside a transaction: its row, and whether it leads now. Its inbox begins empty. */
  #claim(): { no: number; isLead: boolean } {
    const { db, time, bells } = this.#store
    const { no: channel, name } = this.#channel
    const { leaseMs } = this.#spec
    const nowMs = time.nowMs()
    if (!db.get(`SELECT 1 FROM channel WHERE no = ? AND name < '~'`, channel)) {
      throw notFound('lead', name, `channel "${name}" was removed from the store`)
    }
    dropExpired(db, channel, nowMs)
    const deadlineMs = Math.ceil(nowMs + leaseMs)
    const renew = 'UPDATE subscriber SET deadline_ms = ?2 WHERE no = ?1'
    const isThere = db.run(renew, this.#no, deadlineMs) > 0
    const no = isThere
      ? this.#no
      : addSubscriber(db, channel, 'candidate', null, this.#spec, bells.name, nowMs)
    const first = ahead(db, channel, nowMs)
    const isTurn = first?.role === 'candidate' && nowMs >= this.#turnMs
    if (first?.no !== no && !isTurn) return { no, isLead: false }
    const inbox = makeInbox(db, channel)
    db.run(`UPDATE subscriber SET role = 'lead', inbox = ?2 WHERE no = ?1`, no, inbox)
    return { no, isLead: true }
  }

  /** What cannot be removed now ends with its lease. */
  async #leave(): Promise<void> {
    const { db, writer } = this.#store
    const leave = () => dropSubscriber(db, this.#no)
    await writer.run('lead', leave, { durable: false, isClosing: true }).catch(() => undefined)
  }
}
