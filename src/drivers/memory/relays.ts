import type { SubscriberSpec } from '../../core/channel.ts'
import type { Clock } from '../../core/clock.ts'
import { NarrowcastError } from '../../core/errors.ts'
import { Alarm } from './alarm.ts'
import { Inbox } from './inbox.ts'

/** Leads that were granted: a fence is never given twice. */
export interface Grants {
  last: number
}

export interface Granted {
  readonly fence: string
  readonly inbox: Inbox
}

interface Candidate {
  readonly spec: SubscriberSpec
  readonly granted: (lead: Granted) => void
  readonly refused: (why: NarrowcastError) => void
}

/** The relays of one narrowcast channel: one leads, the others wait in the order they came. */
export class Relays {
  readonly #name: string
  readonly #clock: Clock
  readonly #grants: Grants
  readonly #alarm: Alarm
  readonly #candidates: Candidate[] = []
  #lead: Granted | null = null

  constructor(name: string, clock: Clock, grants: Grants) {
    this.#name = name
    this.#clock = clock
    this.#grants = grants
    this.#alarm = new Alarm(clock, () => this.refresh())
  }

  /** The one that leads now, its lease looked at. */
  leading(): Granted | null {
    this.refresh()
    return this.#lead
  }

  /** Waits for the lead. An abort rejects, with ABORTED if its reason is none of ours. */
  apply(spec: SubscriberSpec, signal: AbortSignal): Promise<Granted> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        const at = this.#candidates.indexOf(candidate)
        if (at >= 0) this.#candidates.splice(at, 1)
        signal.removeEventListener('abort', aborted)
        if (this.#candidates.length === 0) this.#alarm.stop()
      }
      const candidate: Candidate = {
        spec,
        granted: (lead) => {
          leave()
          resolve(lead)
        },
        refused: (why) => {
          leave()
          reject(why)
        },
      }
      const aborted = () => {
        const { reason } = signal
        const isOurs = reason instanceof NarrowcastError
        candidate.refused(isOurs ? reason : this.#error('ABORTED', 'the wait was aborted'))
      }
      if (signal.aborted) {
        aborted()
        return
      }
      signal.addEventListener('abort', aborted)
      this.#candidates.push(candidate)
      this.refresh()
    })
  }

  /** Ends the lead whose lease is over, and grants it to who has waited longest. */
  refresh(): void {
    const lead = this.#lead
    if (lead?.inbox.isOver(this.#clock.monotonicMs())) {
      this.#lead = null
      const text = `its lease of ${lead.inbox.spec.leaseMs} ms ended without a sign of life`
      lead.inbox.end(this.#fenced(text))
    }
    const next = this.#lead === null ? this.#candidates[0] : undefined
    if (next) this.#grant(next)
    this.#setAlarm()
  }

  /** Hands over at once. */
  leave({ inbox }: Granted): void {
    if (this.#lead?.inbox !== inbox) return
    this.#lead = null
    inbox.end(this.#fenced('it was given up'))
    this.refresh()
  }

  /** The channel is gone. */
  close(): void {
    const text = 'the channel was removed'
    for (const candidate of [...this.#candidates]) candidate.refused(this.#error('NOT_FOUND', text))
    const lead = this.#lead
    this.#lead = null
    lead?.inbox.end(this.#fenced(text))
    this.#alarm.stop()
  }

  #grant(candidate: Candidate): void {
    const inbox = new Inbox(candidate.spec, this.#clock, () => this.#setAlarm())
    this.#lead = { fence: String(++this.#grants.last), inbox }
    candidate.granted(this.#lead)
  }

  /** Only who waits for the lead needs to know when it ends. */
  #setAlarm(): void {
    const inbox = this.#lead?.inbox
    if (inbox && !inbox.isWaiting && this.#candidates.length > 0) this.#alarm.set(inbox.deadlineMs)
  }

  #fenced(why: string): NarrowcastError {
    return this.#error('FENCED', `this relay leads no more: ${why}`)
  }

  #error(code: 'ABORTED' | 'FENCED' | 'NOT_FOUND', text: string): NarrowcastError {
    const details = { driver: 'memory', channel: this.#name, operation: 'lead' }
    return new NarrowcastError(code, `memory: lead of narrowcast "${this.#name}": ${text}`, details)
  }
}
