import type { ReaderSpec } from '../../core/channel.ts'
import type { LostWhy } from '../../core/driver.ts'
import type {
  Delivery,
  OutgoingMessage,
  PublishOutcome,
  Settlement,
  SettleOutcome,
  Token,
} from '../../core/message.ts'
import { ClaimBook } from './claimBook.ts'
import { Tally } from './happenings.ts'
import {
  type Handed,
  judge,
  judgeCompany,
  judgeDelivery,
  judgeEnd,
  judgeRun,
  type Rules,
  type Said,
  type Track,
  trackOf,
} from './judge.ts'
import { lineOf } from './plan.ts'
import type { Process } from './process.ts'
import { ReaderBook } from './readerBook.ts'

/**
 * What really happened at the store and in the handlers, seen from beside both. It compares each
 * step with the promises and notes every one that was broken.
 */
export class Ledger {
  readonly problems: string[] = []
  /** Every step, for whoever looks at a failing seed; else empty. */
  readonly trace: string[] = []
  readonly tally = new Tally()
  readonly tracks = new Map<string, Track>()
  readonly claims: ClaimBook
  readonly readers = new ReaderBook()
  readonly #rules: Rules
  readonly #handed = new Map<string, Handed>()
  readonly #byMessage = new Map<object, Handed>()
  readonly #settling = new Set<Promise<unknown>>()
  /** Given back by the goodbye of their reader, unless the store finds that it came too late. */
  readonly #left = new Set<Handed>()

  constructor(rules: Rules) {
    this.#rules = rules
    this.claims = new ClaimBook(rules.nowMs, this.tally, (text) => this.problem(text))
  }

  /** Stored positions by id; an id is published to one channel only. */
  readonly stored = new Map<string, { readonly channel: string; readonly position: string }[]>()

  published(
    channel: string,
    batch: readonly OutgoingMessage[],
    outcomes: readonly PublishOutcome[],
  ): void {
    for (const [n, outcome] of outcomes.entries()) {
      if (outcome.state !== 'stored') continue
      if (outcome.duplicate) this.tally.add('an id is published again, and known')
      if (outcome.duplicate) continue
      const { id } = batch[n] as OutgoingMessage
      this.note(() => `stored ${id} at ${outcome.position} of ${channel}`)
      const positions = this.stored.get(id) ?? []
      if (positions.length > 0) this.tally.add('a message is stored twice')
      positions.push({ channel, position: outcome.position ?? '' })
      this.stored.set(id, positions)
    }
  }

  /** A settle is under way: the store may have done it, and nobody has said so yet. */
  async settling(
    batch: readonly Settlement[],
    settle: () => Promise<SettleOutcome[]>,
  ): Promise<SettleOutcome[]> {
    const settling = settle()
    this.#settling.add(settling)
    try {
      const outcomes = await settling
      for (const [n, settlement] of batch.entries()) {
        const outcome = outcomes[n]
        if (outcome) this.#settled(settlement, outcome)
      }
      return outcomes
    } finally {
      this.#settling.delete(settling)
    }
  }

  /** The reader opens, and says what it still has in hand. */
  opened(process: Process, { reader, holding }: ReaderSpec): void {
    this.readers.opened(process, reader)
    const serials = holding.map(({ serial }) => serial)
    this.note(() => `${process.name} opens ${reader}, holding [${serials.join(', ')}]`)
    for (const handed of this.#handed.values()) {
      const isHeld = handed.token.reader === reader && handed.fate === 'held'
      if (isHeld && !serials.includes(handed.token.serial)) handed.isOwed = true
    }
  }

  /** The store hands out. Each delivery gets a message of its own, by which its run is known. */
  async handOut(
    process: Process,
    line: string,
    deliveries: readonly Delivery[],
  ): Promise<Delivery[]> {
    while (this.#settling.size > 0) await Promise.allSettled(this.#settling)
    const known = new Set(this.#handed.values())
    const handedOut = this.#handOut(process, line, deliveries)
    const reader = deliveries[0]?.token.reader
    const isNew = handedOut.some(({ token }) => {
      const { track } = this.#handed.get(keyOf(token)) as Handed
      return !track.handed.some(
        (one) => known.has(one) && one.isOwed && one.token.reader === reader,
      )
    })
    for (const { fate, isOwed, token, track } of isNew ? known : []) {
      if (isOwed && fate === 'held' && token.reader === reader) {
        this.#problem(track, 'was in hand when its reader reopened, and others came first')
      }
    }
    return handedOut
  }

  #handOut(process: Process, line: string, deliveries: readonly Delivery[]): Delivery[] {
    return deliveries.map((delivery) => {
      const message = { ...delivery.message }
      const track = trackOf(this.tracks, line, delivery)
      const { token } = delivery
      this.note(
        () =>
          `handed ${track.id} at ${track.position} of ${line} to ${process.name} as ${keyOf(token)}`,
      )
      for (const earlier of track.handed) {
        if (earlier.fate !== 'held') continue
        if (earlier.token.reader === token.reader) {
          earlier.fate = 'again'
          this.tally.add('a reader comes back for what it held')
        } else this.#problem(track, 'was handed out while another reader had it')
      }
      for (const wrong of judgeDelivery(track, delivery, this.#rules)) this.#problem(track, wrong)
      const handed: Handed = {
        token,
        process,
        track,
        delivery,
        fate: 'held',
        ownedUntilMs: delivery.ownedUntilMs,
        isToldLost: false,
        isOwed: false,
        run: null,
      }
      track.handed.push(handed)
      this.#handed.set(keyOf(token), handed)
      this.#byMessage.set(message, handed)
      return { ...delivery, message }
    })
  }

  note(text: () => string): void {
    if (this.#rules.isTraced) this.trace.push(`${this.#rules.nowMs()} ms: ${text()}`)
  }

  /** The store has heard that the reader lives. */
  renewed(reader: string, leaseMs: number): void {
    const ownedUntilMs = this.#rules.nowMs() + leaseMs
    for (const handed of this.#handed.values()) {
      if (handed.token.reader === reader && handed.fate === 'held') {
        handed.ownedUntilMs = ownedUntilMs
      }
    }
  }

  /** Work on everything up to this token is marked as begun: a crash is charged from now on. */
  begun(process: Process, token: Token): void {
    const known = new Set(this.#inWork(process))
    this.readers.marks(token)
    // What its take has marked, and has not run, is on its way here, or back.
    const now = this.#inWork(process).filter((one) => one.run || !one.delivery.isBegun)
    if (!this.#rules.hasPolicy || now.length < 2 || now.length === known.size) return
    const suspect = now.find(({ delivery }) => delivery.crashes !== 0)
    if (suspect) this.#problem(suspect.track, `is begun with ${now.length - 1} beside it`)
  }

  /** The same by the take itself. It may come beside a suspect, and goes back then: `runs` looks. */
  begunByTake(deliveries: readonly Delivery[]): void {
    const begun = deliveries.findLast(({ isBegun }) => isBegun)
    if (!begun) return
    this.tally.add('a take marks work as begun')
    this.readers.marks(begun.token)
    const suspect = deliveries.find(
      ({ crashes, token }) => crashes !== 0 && this.readers.isMarked(token),
    )
    if (suspect) this.problem(`a take has marked the suspect ${suspect.message.id}`)
  }

  /** What this process would be charged with now, and knows to be its own. */
  #inWork(process: Process): Handed[] {
    return [...this.#handed.values()].filter(
      (one) =>
        one.process === process &&
        one.fate === 'held' &&
        !one.isToldLost &&
        this.readers.isMarked(one.token),
    )
  }

  lost(tokens: readonly Token[], why: LostWhy): void {
    for (const token of tokens) {
      const handed = this.#handed.get(keyOf(token))
      if (!handed) continue
      const { track } = handed
      this.note(() => `lost (${why}) ${track.id} at ${track.position} as ${keyOf(token)}`)
      if (handed.fate !== 'held' && handed.fate !== 'again' && !this.#left.has(handed)) {
        this.#problem(track, `was lost (${why}) after ${handed.fate}`)
      }
      handed.fate = why === 'expired' ? 'expired' : 'revoked'
      const isBegun = this.readers.isMarked(token)
      if (why !== 'expired') continue
      if (isBegun) track.crashes++
      this.tally.add(isBegun ? 'a lease ends with work begun' : 'a lease ends with nothing begun')
    }
  }

  /** The reader ends in order: what it still holds goes back. */
  left(reader: string): void {
    this.note(() => `left: ${reader}`)
    for (const handed of this.#handed.values()) {
      if (handed.token.reader !== reader || handed.fate !== 'held') continue
      handed.fate = 'release'
      this.#left.add(handed)
    }
  }

  /** The store has settled, or not. */
  #settled(settlement: Settlement, outcome: SettleOutcome): void {
    const handed = this.#handed.get(keyOf(settlement.token))
    if (!handed) return
    const { track, fate } = handed
    this.note(
      () =>
        `${settlement.kind} ${outcome}: ${track.id} at ${track.position} as ${keyOf(settlement.token)}`,
    )
    if (outcome === 'late') {
      this.tally.add('a settle is late')
      if (fate === 'held') this.#problem(track, `${settlement.kind} was late, but it was held`)
      return
    }
    if (fate === 'expired' || fate === 'revoked' || fate === 'again') {
      this.#problem(track, `${settlement.kind} was settled, but it was ${fate}`)
    }
    if (fate !== 'held') {
      this.tally.add('a settle is repeated')
      return
    }
    handed.fate = settlement.kind
    if (settlement.kind === 'dead') this.tally.add(deaths[settlement.letter.cause])
    if (settlement.kind === 'retry') this.tally.add('a retry')
    const wrong = judge(handed, settlement, this.#rules, (id) => this.#isDone(id, track.line))
    if (wrong) this.#problem(track, wrong)
    if (settlement.kind === 'ack' || settlement.kind === 'dead') track.end = settlement.kind
    else track.dueMs = this.#rules.nowMs() + settlement.delayMs
    if (settlement.kind === 'retry') track.failures = settlement.failures
  }

  /** The delivery that this message object was made for. */
  handedAs(message: object): Handed {
    const handed = this.#byMessage.get(message)
    if (!handed) throw new Error('a handler was given a message that nobody handed out')
    return handed
  }

  /** A handler begins with this message object. */
  runs(message: object): Handed {
    const handed = this.handedAs(message)
    for (const wrong of judgeRun(handed, this.#rules)) this.#problem(handed.track, wrong)
    const beside = this.#inWork(handed.process).filter((one) => one !== handed && one.run)
    const alone = this.#rules.hasPolicy && judgeCompany(handed, beside)
    if (alone) this.#problem(handed.track, alone)
    handed.run = { said: null }
    if (Number(handed.delivery.crashes) > 0) this.tally.add('a suspect runs')
    this.note(
      () => `begins ${handed.track.id} at ${handed.track.position} as ${keyOf(handed.token)}`,
    )
    return handed
  }

  /** A process was told that it has lost the message. */
  told(process: Process, line: string, position: string): void {
    const track = this.tracks.get(`${line}/${position}`)
    for (const handed of track?.handed ?? []) {
      if (handed.process === process) handed.isToldLost = true
    }
  }

  ends(handed: Handed, said: Said): void {
    this.note(
      () =>
        `says ${said}: ${handed.track.id} at ${handed.track.position} as ${keyOf(handed.token)}`,
    )
    handed.run = { said }
    if (said === 'drained') this.tally.add('a drained handler is given back')
  }

  /** A handler of a worker that is not being drained has come to its end. */
  ended(handed: Handed): void {
    const wrong = judgeEnd(handed, this.#rules)
    if (wrong) this.#problem(handed.track, wrong)
  }

  problem(text: string): void {
    this.problems.push(text)
  }

  /** The ends of all that was stored, over `groups`; a message that nobody has had has none. */
  unended(groups: readonly (string | null)[]): string[] {
    const missing: string[] = []
    for (const [id, positions] of this.stored) {
      for (const { channel, position } of positions) {
        for (const group of groups) {
          const line = lineOf(channel, group)
          if (!this.tracks.get(`${line}/${position}`)?.end) missing.push(`${id} of ${line}`)
        }
      }
    }
    return missing
  }

  #isDone(id: string, line: string): boolean {
    const tracks = [...this.tracks.values()]
    return tracks.some((one) => one.id === id && one.line === line && one.end === 'ack')
  }

  #problem({ id, position, line }: Track, text: string): void {
    this.problem(`${this.#rules.nowMs()} ms: message ${id} at ${position} of ${line} ${text}`)
  }
}

const deaths = {
  failures: 'a death of failures',
  crashes: 'a death of crashes',
  verdict: 'a death of a verdict',
  invalid: 'a death of what does not fit',
} as const

const keyOf = ({ reader, serial }: Token) => `${reader}#${serial}`
