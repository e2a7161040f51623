import { asNarrowcastError, NarrowcastError } from '../core/errors.ts'
import { backoffMs } from './backoff.ts'
import type { Claims } from './claims.ts'
import type { Conclusions } from './conclusions.ts'
import { withDeadline } from './deadline.ts'
import type { Pass } from './gate.ts'
import type { Held } from './held.ts'
import { type Ending, hasCrashedOut, isToBeIsolated } from './policy.ts'
import type { Reader } from './reader.ts'
import type { ReaderHost } from './readerHost.ts'
import { type Read, type ReceivedMessage, read } from './receivedMessage.ts'
import type { SubscriptionPlan } from './subscribeOptions.ts'
import { Unit } from './unit.ts'
import { untilAborted } from './untilAborted.ts'

const busyReleaseMsMax = 1_000
const nameless =
  'its producer has named no id, by which dedupe on consume would know it again; sent back it keeps the one that it has now'
const troubleReleaseMs = 1_000
/** While handlers that work synchronously start, renewals get through so often. */
const turnsPerLease = 12
const markBackoff = { delayMsMin: 20, delayMsMax: 2_000 }

export interface StarterHost<T> {
  readonly host: ReaderHost
  readonly plan: SubscriptionPlan
  readonly reader: Reader
  readonly claims: Claims | null
  readonly conclusions: Conclusions
  readonly stopping: AbortSignal
  readonly closed: AbortSignal
  /** The handler is to be called now. */
  run(unit: Unit<T>): void
  /** No handler is called: settled as it is. */
  end(unit: Unit<T>, ending: Ending): void
  failed(error: NarrowcastError): void
}

/** Messages that may start, marked as begun. */
export interface Admitted {
  readonly batch: readonly Held[]
  readonly pass: Pass
  readonly isIsolated: boolean
}

/**
 * The way of a message from our hands to its handler. What is not started when the worker stops is
 * given back; only what is started is charged with a crash.
 */
export class Starter<T> {
  readonly #host: StarterHost<T>

  constructor(host: StarterHost<T>) {
    this.#host = host
  }

  /**
   * Waits until healthy messages, or one suspect, may start, and marks them as begun.
   * @returns null when nothing of it is to start: it was settled or given back.
   */
  admit(batch: readonly Held[]): Promise<Admitted | null> {
    const { connection, gate } = this.#host.host
    const admitting = this.#admit(batch)
    if (connection.chargesTakes) gate.leaves(admitting)
    return admitting
  }

  async #admit(batch: readonly Held[]): Promise<Admitted | null> {
    const { claims, conclusions, stopping, host } = this.#host
    if (stopping.aborted) {
      await conclusions.release(batch, 0)
      return null
    }
    const ours = batch.filter((held) => !held.lost && !(claims && this.#isNameless(held)))
    const mine = claims && ours.length > 0 ? await this.#claim(ours, claims) : ours
    const may = mine.filter((held) => {
      if (!hasCrashedOut(held, host.plan)) return true
      this.#end(held, { kind: 'crashed' }, null)
      return false
    })
    if (may.length === 0) return null
    const isSuspect = may.some((held) => held.isSuspect)
    const isBegun = may.every((held) => held.delivery.isBegun)
    const isCharged = isBegun && host.connection.chargesTakes
    const isIsolated = isCharged && may.some((held) => isToBeIsolated(held, host.plan))
    // What the take has marked waits for nobody: meanwhile it could be charged with what others do.
    const mayEnter = !isBegun || isCharged || host.gate.isOpen
    const company = { isAlone: isSuspect, isIsolated, isCharged }
    const pass = mayEnter ? await host.gate.enter(company, stopping) : null
    // Beside a handler that was given up a suspect would be charged with what that one does.
    const isSpared = isSuspect && pass !== null && host.gate.spares(host.clock.monotonicMs())
    const isMarked = pass && (isBegun || isSpared || (await this.#mark(may)))
    if (isMarked && !stopping.aborted) return { batch: may, pass, isIsolated }
    // Awaited here: what may be marked is charged with whatever begins before it is back.
    await conclusions.release(may, 0)
    pass?.leave()
    return null
  }

  /** Resolves when the handlers have started; what is not to start any more was given back. */
  async start({ batch, pass }: Admitted): Promise<void> {
    const lost = batch.filter((held) => held.lost)
    lost.push(...(await this.#read(lost.length > 0 ? batch.filter((held) => !held.lost) : batch)))
    await this.#host.conclusions.release(lost, 0) // to drop its claim: the broker is not asked
    pass.leave()
  }

  /** Nobody could know it again when it comes a second time. */
  #isNameless(held: Held): boolean {
    if (held.delivery.idIsStable !== false) return false
    this.#end(held, { kind: 'invalid', reason: nameless }, null)
    return true
  }

  async #claim(batch: readonly Held[], claims: Claims): Promise<readonly Held[]> {
    const { conclusions, host, failed } = this.#host
    try {
      const answers = await claims.claim(batch)
      const busyMs = Math.min(busyReleaseMsMax, host.plan.spec.leaseMs)
      await Promise.all(
        batch.map((held, n) => {
          if (answers[n] === 'done') return conclusions.settle([held], [{ kind: 'ack' }])
          return answers[n] === 'busy' ? conclusions.release([held], busyMs) : undefined
        }),
      )
      return batch.filter((_, n) => answers[n] === 'mine')
    } catch (error) {
      failed(asNarrowcastError(error))
      await conclusions.release(batch, troubleReleaseMs)
      return []
    }
  }

  /** From here on a crash is charged. @returns false when the worker stops. */
  async #mark(batch: readonly Held[]): Promise<boolean> {
    const { reader, stopping, host, failed } = this.#host
    for (let failures = 0; !stopping.aborted; failures++) {
      const last = batch.findLast((held) => !held.lost)
      if (!last) return true
      try {
        await reader.begin(last, stopping)
        if (!last.lost) return true
      } catch (error) {
        if (stopping.aborted) return false
        failed(asNarrowcastError(error))
        await host.clock.sleep(backoffMs(failures, markBackoff, host.random), stopping)
      }
    }
    return false
  }

  /** @returns what was lost meanwhile, or is not to begin. */
  async #read(batch: readonly Held[]): Promise<readonly Held[]> {
    const { host, plan, reader, stopping, closed } = this.#host
    const reads = batch.map((held) => read<T>(held, host.plan.codec, host.plan.schema))
    const isAsync = reads.some((one) => one instanceof Promise)
    const known = isAsync ? await this.#allRead(reads) : (reads as Read<T>[])
    if (closed.aborted) return []
    const lost: Held[] = []
    const held: Held[] = []
    const received: ReceivedMessage<T>[] = []
    let nowMs = host.clock.monotonicMs()
    let turnMs = nowMs
    for (let n = 0; n < batch.length; n++) {
      const owner = batch[n] as Held
      const one = known[n] as Read<T> | 'late'
      if (!plan.batch) nowMs = host.clock.monotonicMs() // a handler may have run since
      if (nowMs - turnMs > host.plan.spec.leaseMs / turnsPerLease) {
        await host.clock.sleep(0, stopping)
        if (closed.aborted) return []
        nowMs = host.clock.monotonicMs()
        turnMs = nowMs
      }
      if (stopping.aborted || !reader.owns(owner, nowMs)) lost.push(owner)
      else if (one === 'late') this.#end(owner, this.#lateSchema(), host.gate.beside())
      else if ('fault' in one) {
        this.#end(owner, { kind: 'invalid', reason: one.fault }, host.gate.beside())
      } else if (plan.batch) {
        held.push(owner)
        received.push(one)
      } else this.#run([owner], [one], nowMs)
    }
    if (held.length > 0) this.#run(held, received, nowMs)
    return lost
  }

  /** A schema that never answers outlives neither its time nor the drain. */
  async #allRead(reads: readonly (Read<T> | Promise<Read<T>>)[]): Promise<(Read<T> | 'late')[]> {
    const { host, plan, closed } = this.#host
    return withDeadline(host.clock, plan.runMsMax, closed, null, (over) =>
      Promise.all(
        reads.map((one) =>
          one instanceof Promise ? untilAborted(one, over).catch(() => 'late' as const) : one,
        ),
      ),
    )
  }

  #lateSchema(): Ending {
    const { host, plan } = this.#host
    const channel = host.plan.spec.name
    const text = `the schema of "${channel}" took longer than runMsMax, ${plan.runMsMax} ms`
    return { kind: 'failed', error: new NarrowcastError('TIMEOUT', text, { channel }) }
  }

  #run(held: readonly Held[], received: readonly ReceivedMessage<T>[], nowMs: number): void {
    const { host, run } = this.#host
    run(new Unit(held, received, nowMs, host.gate.beside()))
  }

  /** What is marked keeps its pass until it is settled, though nothing of it runs. */
  #end(held: Held, ending: Ending, pass: Pass | null): void {
    const { host, end } = this.#host
    end(new Unit<T>([held], [], host.clock.monotonicMs(), pass), ending)
  }
}
