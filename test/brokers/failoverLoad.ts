import { setInterval } from 'node:timers/promises'
import { vi } from 'vitest'
import { connect } from '../../src/connect.ts'
import type { Contract } from '../../src/core/contract.ts'
import type { NarrowcastError } from '../../src/core/errors.ts'
import type { Bus, Receipt } from '../../src/runtime/api.ts'

/** A channel, and where. */
export interface Place {
  readonly url: string
  readonly name: string
  readonly pattern: 'queue' | 'stream' | 'broadcast' | 'narrowcast'
}

const everyMs = 5
const group = 'failover'
const leaseMs = 2_000

/**
 * A publisher that sends 200 numbered messages a second, also while nobody answers, and a worker on
 * a connection of its own. Times are of `performance.now()`.
 */
export class Load implements AsyncDisposable {
  readonly what: string
  /** Message → when its publish was called, when it was acknowledged, when it was handled first. */
  readonly published: number[] = []
  readonly acknowledged = new Map<number, number>()
  readonly handled = new Map<number, number>()
  /**
   * Publishes that rejected, and those of them that may have happened; messages that found nobody
   * there, and messages handled again.
   */
  readonly counts = { rejected: 0, open: 0, unheard: 0, repeated: 0 }
  readonly #place: Place
  readonly #buses: readonly [publisher: Bus, worker: Bus]
  readonly #stop = new AbortController()
  readonly #answers: Promise<void>[] = []
  #pacing: Promise<void> = Promise.resolve()

  static async start(place: Place): Promise<Load> {
    const open = async () => await connect(place.url, { telemetry: false })
    const load = new Load(place, [await open(), await open()])
    await load.#subscribe()
    load.#pacing = load.#publish()
    return load
  }

  private constructor(place: Place, buses: readonly [Bus, Bus]) {
    this.what = `${place.pattern} ${place.name}`
    this.#place = place
    this.#buses = buses
  }

  get isKept(): boolean {
    return this.#place.pattern === 'queue' || this.#place.pattern === 'stream'
  }

  async contract(): Promise<Contract> {
    return await this.#channel(this.#buses[0]).opened()
  }

  /** When the first message was handled of those published after this time; null: none yet. */
  handledAfter(atMs: number): number | null {
    const times = [...this.handled].filter(([n]) => (this.published[n] as number) > atMs)
    return times[0]?.[1] ?? null
  }

  /** When each was acknowledged that nobody handled. */
  get lostAtMs(): number[] {
    return [...this.acknowledged].filter(([n]) => !this.handled.has(n)).map(([, atMs]) => atMs)
  }

  /** Publishes no more; resolves when every answer is there and nothing is left to handle. */
  async finish(): Promise<void> {
    this.#stop.abort()
    await this.#pacing
    await Promise.all(this.#answers)
    if (this.isKept) await vi.waitFor(() => this.#isEmpty(), { timeout: 30_000, interval: 100 })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#pacing
    await Promise.all(this.#buses.map((bus) => bus.close({ timeoutMs: 1_000 })))
    await Promise.all(this.#answers)
  }

  #channel(bus: Bus) {
    const { pattern, name } = this.#place
    if (pattern === 'queue') return bus.queue<number>(name, { leaseMs })
    if (pattern === 'stream') return bus.stream<number>(name, { leaseMs })
    return pattern === 'broadcast' ? bus.broadcast<number>(name) : bus.narrowcast<number>(name)
  }

  async #subscribe(): Promise<void> {
    const handler = (n: number) => {
      if (this.handled.has(n)) this.counts.repeated++
      else this.handled.set(n, performance.now())
    }
    const { pattern } = this.#place
    const options = { concurrency: 10, ...(pattern === 'stream' ? { group } : {}) }
    const worker = this.#channel(this.#buses[1]).subscribe(handler, options)
    worker.on('error', () => {}) // connections break here: what counts is what comes
    await worker.ready()
  }

  async #publish(): Promise<void> {
    const channel = this.#channel(this.#buses[0])
    const beginMs = performance.now()
    for await (const _ of setInterval(everyMs)) {
      if (this.#stop.signal.aborted) return
      while (this.published.length * everyMs < performance.now() - beginMs) {
        const n = this.published.push(performance.now()) - 1
        this.#answers.push(this.#answered(n, channel.publish(n)))
      }
    }
  }

  async #answered(n: number, receipt: Promise<Receipt>): Promise<void> {
    try {
      const { receivers } = await receipt
      if (receivers === 0) this.counts.unheard++
      else this.acknowledged.set(n, performance.now())
    } catch (error) {
      this.counts.rejected++
      if (!(error as NarrowcastError).definite) this.counts.open++
    }
  }

  async #isEmpty(): Promise<void> {
    const { name, pattern } = this.#place
    const { admin } = this.#buses[0]
    const [left] =
      pattern === 'stream'
        ? (await admin.groups({ name, pattern })).map(({ lag, inFlight }) => [lag, inFlight])
        : (await admin.depths([{ name, pattern }])).map((one) => [one?.waiting, one?.inFlight])
    if (!left?.some((count) => count !== 0)) return
    const unhandled = `${this.lostAtMs.length} of ${this.acknowledged.size} were not handled`
    throw new Error(`${this.what}: waiting and in flight are ${left.join(' and ')}; ${unhandled}`)
  }
}
