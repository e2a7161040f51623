import type { Clock } from '../../core/clock.ts'
import { asNarrowcastError, type NarrowcastError } from '../../core/errors.ts'
import { uuid } from '../../core/ids.ts'
import { limitedNotices, type Notices } from './notices.ts'
import type { RecordMessage } from '../record.ts'

/**
 * Why a record was lost. full: no room in memory. spool-full, spool-failed: a kept record found no
 * place on disk. refused: the channel will never take it. no-connection: connecting is hopeless.
 * closed: written after the close. deadline: not acked when the close had to end. unparsable: not
 * a JSON object.
 */
export type DropReason =
  | 'full'
  | 'spool-full'
  | 'spool-failed'
  | 'refused'
  | 'no-connection'
  | 'closed'
  | 'deadline'
  | 'unparsable'

/** At every moment: accepted = acked + sum of dropped + spilled + queued + onTheWay. */
export interface SenderStats {
  /** ok · retrying: the last batch came back · broken: connecting is hopeless, tried seldom. */
  readonly state: 'ok' | 'retrying' | 'broken'
  /** Records taken, those found in the spool at the start included. */
  readonly accepted: number
  /** Handed to a channel, repeats included. */
  readonly sent: number
  readonly acked: number
  readonly dropped: Readonly<Partial<Record<DropReason, number>>>
  /** Lying in the spool, not on the way. */
  readonly spilled: number
  readonly queued: number
  readonly onTheWay: number
  /** Tries that failed, in whole or in part. */
  readonly retries: number
  readonly queueBytes: number
  readonly lastError: string | null
}

/** Records lost since the channel last worked. */
export interface Loss {
  readonly count: number
  readonly fromMs: number
  readonly toMs: number
}

/** What tells the readers of a channel that records are missing. */
export function lossRecord(
  { count, fromMs, toMs }: Loss,
  channel: string,
  timeMs: number,
): RecordMessage {
  const [from, to] = [fromMs, toMs].map((ms) => new Date(ms).toISOString())
  const data = { event: 'transport.dropped', count, from, to }
  const bytes = JSON.stringify(data).length
  return { id: uuid(), channel, key: null, timeMs, data, bytes, keep: false }
}

/** Counts what a sender did, and tells of trouble without repeating itself. */
export class SenderAccounts {
  accepted = 0
  sent = 0
  acked = 0
  retries = 0
  /** Tries that failed in a row. */
  failures = 0
  state: SenderStats['state'] = 'ok'
  readonly dropped: Partial<Record<DropReason, number>> = {}
  lastError: NarrowcastError | null = null
  readonly #clock: Clock
  readonly #notices: Notices
  readonly #onDropped: (record: RecordMessage, reason: DropReason) => void
  #loss: Loss | null = null
  #keptLost = 0

  constructor(
    clock: Clock,
    notice: (line: string) => void,
    onDropped: (record: RecordMessage, reason: DropReason) => void,
  ) {
    this.#clock = clock
    this.#notices = limitedNotices(notice, clock)
    this.#onDropped = onDropped
  }

  get lastErrorText(): string | null {
    return this.lastError === null ? null : `${this.lastError.code}: ${this.lastError.message}`
  }

  get counts(): Omit<SenderStats, 'spilled' | 'queued' | 'onTheWay' | 'queueBytes'> {
    const { state, accepted, sent, acked, dropped, retries, lastErrorText: lastError } = this
    return { state, accepted, sent, acked, dropped: { ...dropped }, retries, lastError }
  }

  drop(message: RecordMessage, reason: DropReason): void {
    const nowMs = this.#clock.wallMs()
    this.dropped[reason] = (this.dropped[reason] ?? 0) + 1
    if (message.keep) this.#keptLost++
    const count = (this.#loss?.count ?? 0) + 1
    this.#loss = { count, fromMs: this.#loss?.fromMs ?? nowMs, toMs: nowMs }
    this.#notices.tell('dropped', () => this.#lossText())
    try {
      this.#onDropped(message, reason)
    } catch (error) {
      this.lastError = asNarrowcastError(error)
    }
  }

  failed(error: NarrowcastError, state: 'retrying' | 'broken', waiting: string): void {
    this.failures++
    this.retries++
    this.lastError = error
    this.state = state
    this.#notices.tell(state, () => {
      const hint = error.hint === null ? '' : ` (${error.hint})`
      return `narrowcast: log records cannot be sent: ${error.code}: ${error.message}${hint}; ${waiting}`
    })
  }

  /** Returns what was lost before, once. */
  worked(): Loss | null {
    const loss = this.#loss
    this.#loss = null
    this.failures = 0
    this.state = 'ok'
    return loss
  }

  close(): void {
    this.#notices.close()
  }

  #lossText(): string {
    const reasons = Object.entries(this.dropped).map(([reason, count]) => `${reason} ${count}`)
    const kept = this.#keptLost > 0 ? `, ${this.#keptLost} of them marked keep` : ''
    const error = this.lastError === null ? '' : `; last error ${this.lastErrorText}`
    return `narrowcast: log records lost since the start: ${reasons.join(', ')}${kept}${error}`
  }
}
