import type { Clock } from '../../../core/clock.ts'
import { NarrowcastError } from '../../../core/errors.ts'
import type { Happening } from '../state.ts'
import { endOf, leftOf, listOf, type Reply, textsOf } from './replies.ts'
import { sharedScripts } from './sharedScripts.ts'
import type { Wire } from './wire.ts'

export interface BeatsOptions {
  readonly wire: Wire
  readonly clock: Clock
  /** After this silence a server is dead to the others. */
  readonly leaseMs: number
  readonly hear: (happening: Happening) => void
}

/** Beats in a lease. */
const beatsPerLease = 5

/**
 * Says that this server lives, and cleans up after those that do not: their players leave, and the
 * finished games that they did not report are reported here.
 */
export class Beats {
  readonly #options: BeatsOptions
  readonly #stopping = new AbortController()
  /** Finished games that are being reported: as long as this server lives they are its own. */
  readonly reporting = new Set<string>()
  readonly #running: Promise<void>
  /** The cleaning that goes on; beside it this server has to say that it lives. */
  #cleaning: Promise<void> | null = null
  /** Since when the others count this server among the living. */
  #aliveSinceMs = 0

  constructor(options: BeatsOptions) {
    this.#options = options
    this.#running = this.#beat()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
    await this.#cleaning
  }

  async #beat(): Promise<void> {
    const { clock, leaseMs, wire } = this.#options
    const { signal } = this.#stopping
    for (;;) {
      await clock.sleep(leaseMs / beatsPerLease, signal)
      if (signal.aborted) return
      if (!wire.isUp) continue
      const answered = new AbortController()
      void clock.sleep(leaseMs, answered.signal).then(() => {
        if (!answered.signal.aborted) wire.lose(hangs(leaseMs))
      })
      try {
        await this.#once(() => answered.abort())
      } catch (error) {
        this.#failed(error)
      } finally {
        answered.abort()
      }
    }
  }

  async #once(answered: () => void): Promise<void> {
    const { wire, clock, leaseMs, hear } = this.#options
    // Where Redis was away all are overdue alike: none sweeps before the others could come back.
    const sinceMs = Math.max(this.#aliveSinceMs, wire.upSinceMs)
    const maySweep = this.#cleaning === null && clock.monotonicMs() - sinceMs >= leaseMs
    const reply = await wire.run(sharedScripts.beat, '', 0, maySweep ? '1' : '0', ...this.reporting)
    answered()
    const [wasDead, dead, due] = listOf(reply)
    // Others have let our players leave.
    if (wasDead === 1) {
      this.#aliveSinceMs = clock.monotonicMs()
      hear({ type: 'up' })
    }
    if (!maySweep) return
    this.#cleaning = this.#clean(textsOf(due), textsOf(dead))
      .catch((error: unknown) => this.#failed(error))
      .finally(() => {
        this.#cleaning = null
      })
  }

  async #clean(due: readonly string[], dead: readonly string[]): Promise<void> {
    for (const game of due) await this.#report(game)
    for (const server of dead) await this.#sweep(server)
  }

  #failed(error: unknown): void {
    // A broken link says so by itself.
    const isOutage = error instanceof NarrowcastError && error.code !== 'INTERNAL'
    if (!isOutage) this.#options.hear({ type: 'failed', error })
  }

  async #report(game: string): Promise<void> {
    const { wire, hear } = this.#options
    const end = listOf(await wire.run(sharedScripts.finished, game, 0))
    if (end.length === 0) return
    this.reporting.add(game)
    hear({ type: 'unreported', finished: endOf(end).finished })
  }

  async #sweep(server: string): Promise<void> {
    const { wire, clock, hear } = this.#options
    const games = textsOf(await wire.send(['SMEMBERS', `games:server:${server}`]))
    for (const game of games) {
      const answer = listOf(await wire.run(sharedScripts.takeOver, game, clock.wallMs(), server))
      if (answer.length === 0) return
      const { left, users } = leftOf(answer[0] as Reply)
      if (left.status === 'running' && left.after.finished) this.reporting.add(game)
      hear({ type: 'orphans', game, users, left, isKept: answer[1] === 1 })
    }
    await wire.run(sharedScripts.bury, '', 0, server)
  }
}

function hangs(leaseMs: number): NarrowcastError {
  const text = `sim server: the state in Redis has not answered for ${leaseMs} ms`
  return new NarrowcastError('UNAVAILABLE', text, { definite: false })
}
