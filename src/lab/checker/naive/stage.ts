import type { ActorId, Evidence, LabEvent, Span } from '../../evidence/evidence.ts'
import { gapReasons } from '../../evidence/record.ts'
import type { Identity } from '../../identity.ts'
import { type Line, ledgerOf } from './ledgerOf.ts'
import type { FaultPlan, Plan, StartPlan } from './plan.ts'
import { actorName } from './scene.ts'

interface Book {
  readonly writer: ActorId
  readonly group: string | null
  readonly lines: Line[]
  readonly tornBytes: number
}

/** Where a plan is played: who is there, what happens to them, and what they have written so far. */
export class Stage {
  /** Of each group, who can be handed a message. */
  readonly hands: readonly ActorId[][]
  readonly relays: ActorId[] = []
  readonly #plan: Plan
  readonly #books = new Map<string, Book>()
  readonly #events: LabEvent[] = []

  constructor(plan: Plan) {
    this.#plan = plan
    this.hands = plan.groups.map(() => [])
    for (const [actor, worker] of plan.workers.entries()) {
      const slot = worker.group % plan.groups.length
      for (const [incarnation, start] of worker.starts.entries()) {
        const who = { role: 'worker', actor, incarnation } as const
        this.#begin(who, plan.groups[slot] ?? null, start)
        this.hands[slot]?.push(who)
      }
    }
    for (const [slot, group] of plan.groups.entries()) {
      this.#open(readerOf('deadReader', slot), group)
      if (!plan.drains[slot]) continue
      this.#open(readerOf('drainReader', slot), group)
      this.hands[slot]?.push(readerOf('drainReader', slot))
    }
    for (const [incarnation, start] of plan.relays.entries()) {
      const who = { role: 'relay', actor: 0, incarnation } as const
      this.#begin(who, null, start)
      this.relays.push(who)
    }
    this.#breakBroker()
  }

  write(writer: ActorId, atMs: number, about: Identity | null, words: Omit<Line, 'timeNs'>): void {
    const book = this.#books.get(actorName(writer)) ?? this.#open(writer, null)
    book.lines.push({ ...words, ...about, timeNs: this.#at(atMs) })
  }

  evidence(): Evidence {
    const ledgers = [...this.#books.values()].map(({ writer, group, lines, tornBytes }) =>
      ledgerOf(
        writer,
        group,
        inTime(lines, ({ timeNs }) => timeNs),
        tornBytes,
      ),
    )
    return {
      ledgers: this.#plan.isReversed ? ledgers.toReversed() : ledgers,
      events: inTime(this.#events, ({ fromNs }) => fromNs),
      depth: [],
    }
  }

  #open(writer: ActorId, group: string | null, tornBytes = 0): Book {
    const book = { writer, group, lines: [], tornBytes }
    this.#books.set(actorName(writer), book)
    return book
  }

  #begin(who: ActorId, group: string | null, { subscribedMs, tornBytes, faults }: StartPlan): void {
    this.#open(who, group, tornBytes)
    if (subscribedMs !== null) {
      this.#events.push({ event: 'SPAWN', ...who, ...this.#span(0, subscribedMs) })
      this.#events.push({ event: 'SUBSCRIBED', ...who, ...this.#span(subscribedMs, 1) })
    }
    for (const fault of faults) this.#strike(who, fault)
  }

  #strike(who: ActorId, fault: FaultPlan): void {
    const { what, atMs, spanMs, healAfterMs } = fault
    const isOfWorkers = what === 'CUT' || what === 'REVOKE' || what === 'STALL' || what === 'GAP'
    if (who.role === 'relay' && isOfWorkers) return // only workers tell
    const healMs = healAfterMs === null ? null : atMs + spanMs + healAfterMs
    if (what === 'CUT') {
      this.write(who, atMs, null, { type: 'cut' })
      if (healMs !== null) this.write(who, healMs, null, { type: 'back' })
      return
    }
    if (what === 'REVOKE') {
      this.write(who, atMs, null, { type: 'revoke' })
      return
    }
    if (what === 'STALL') {
      this.write(who, atMs + spanMs, null, { type: 'stall', position: BigInt(spanMs) * 2_000_000n })
      return
    }
    if (what === 'GAP') {
      const flags = gapReasons.indexOf(fault.isReconnect ? 'reconnect' : 'overflow')
      this.write(who, atMs, null, { type: 'gap', count: fault.missed, flags })
      return
    }
    const event = what === 'NET' ? 'NET_ON' : what
    this.#events.push({ event, ...who, ...this.#span(atMs, spanMs) })
    const heal = { NET_ON: 'NET_OFF', STOP: 'CONT' } as const
    if (healMs === null || !(event === 'NET_ON' || event === 'STOP')) return
    this.#events.push({ event: heal[event], ...who, ...this.#span(healMs, spanMs) })
  }

  #breakBroker(): void {
    for (const { how, atMs, spanMs, upAfterMs, isBack } of this.#plan.brokerFaults) {
      this.#events.push({ event: 'BROKER_DOWN', how, ...this.#span(atMs, spanMs) })
      if (upAfterMs === null) continue
      const upMs = atMs + spanMs + upAfterMs
      this.#events.push({ event: 'BROKER_UP', ...this.#span(upMs, spanMs) })
      for (const who of isBack ? this.hands.flat() : []) {
        this.#events.push({ event: 'SUBSCRIBED', ...who, ...this.#span(upMs, 1) })
      }
    }
  }

  #at(ms: number): bigint {
    return this.#plan.baseNs + BigInt(ms) * 1_000_000n
  }

  #span(fromMs: number, lengthMs: number): Span {
    return { fromNs: this.#at(fromMs), toNs: this.#at(fromMs + lengthMs) }
  }
}

/** The reader of a group's dead letters, or of its leftovers. */
export function readerOf(role: 'deadReader' | 'drainReader', slot: number): ActorId {
  return { role, actor: slot, incarnation: 0 }
}

function inTime<Value>(values: readonly Value[], timeOf: (value: Value) => bigint): Value[] {
  return values.toSorted((one, other) => Number(timeOf(one) - timeOf(other)))
}
