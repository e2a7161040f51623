import type { PublisherFrame, RelayFrame, SubscriptionFrame, TelemetryFrame } from './frame.ts'
import { ProcessFacts } from './processFacts.ts'

/** While something changes, and while nothing does. */
const busyMs = 1_000
const idleMs = 5_000
/** A frame above this says less of each subscription, and then of fewer. */
export const frameBytesMax = 16_000

/** What a process has come to. */
export interface Counts {
  readonly subscriptions: readonly SubscriptionFrame[]
  readonly publishers: readonly PublisherFrame[]
  readonly relays: readonly RelayFrame[]
}

/** Lists of the same name, from several parts, are told as one. */
export type Section = () => Readonly<Record<string, unknown>>

export interface SenderHost {
  readonly control: boolean
  counts(): Counts
  /** Sends one frame. A frame that does not arrive is covered by the next. */
  send(frame: TelemetryFrame): Promise<unknown>
}

/**
 * Tells once a second what this process has come to; where nothing changed, every five seconds.
 * It keeps no process alive, and one frame is on its way at a time.
 */
export class TelemetrySender {
  readonly #host: SenderHost
  readonly #facts = new ProcessFacts()
  readonly #sections = new Set<Section>()
  readonly #timer: NodeJS.Timeout
  #told = ''
  #toldMs = Number.NEGATIVE_INFINITY
  #sending: Promise<unknown> | null = null

  constructor(host: SenderHost) {
    this.#host = host
    this.#timer = setInterval(() => this.#tick(), busyMs).unref()
  }

  /** What a part of the program adds. @returns what takes it away again. */
  add(section: Section): () => void {
    this.#sections.add(section)
    return () => this.#sections.delete(section)
  }

  /** Sends a last frame, so that the totals are right. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#sending
    this.#send()
    await this.#sending
    this.#facts.close()
  }

  #tick(): void {
    if (this.#sending !== null) return
    const isDue = performance.now() - this.#toldMs > idleMs - busyMs / 2
    if (isDue || this.#changing() !== this.#told) this.#send()
  }

  /** What tells that something happened: not what changes by itself. */
  #changing(): string {
    const { subscriptions, ...rest } = this.#host.counts()
    return JSON.stringify([
      subscriptions.map(({ in_flight: _, ...counts }) => counts),
      rest,
      this.#added(),
    ])
  }

  #added(): Record<string, unknown> {
    const added: Record<string, unknown> = {}
    for (const section of this.#sections) {
      for (const [name, value] of Object.entries(section())) {
        const before = added[name]
        const isListed = Array.isArray(before) && Array.isArray(value)
        added[name] = isListed ? [...before, ...value] : value
      }
    }
    return added
  }

  #send(): void {
    this.#told = this.#changing()
    this.#toldMs = performance.now()
    this.#sending = this.#host
      .send(this.#frame())
      .catch(() => undefined) // the broker is away: whoever works there is told by it
      .finally(() => {
        this.#sending = null
      })
  }

  #frame(): TelemetryFrame {
    const { host, pid, start, version, memoryMb } = this.#facts
    return fitted({
      ...this.#added(),
      ...{ v: 1, type: 'telemetry', host, pid, start, every_ms: idleMs, version },
      control: this.#host.control,
      memory_mb: memoryMb,
      loop_p99_ms: this.#facts.takeLoopP99Ms(),
      ...this.#host.counts(),
    })
  }
}

/** First without the ids of what is in flight, then fewer and fewer subscriptions and publishers. */
function fitted(frame: TelemetryFrame): TelemetryFrame {
  const isFit = (one: TelemetryFrame) => Buffer.byteLength(JSON.stringify(one)) <= frameBytesMax
  if (isFit(frame)) return frame
  const subscriptions = frame.subscriptions.map((one) => ({ ...one, in_flight: [] }))
  for (let share = 1; share > 1e-4; share /= 2) {
    const some = {
      ...frame,
      subscriptions: subscriptions.slice(0, Math.ceil(subscriptions.length * share)),
      publishers: frame.publishers.slice(0, Math.ceil(frame.publishers.length * share)),
    }
    const omitted = {
      subscriptions: subscriptions.length - some.subscriptions.length,
      publishers: frame.publishers.length - some.publishers.length,
    }
    if (isFit({ ...some, omitted })) return { ...some, omitted }
  }
  return { ...frame, subscriptions: [], publishers: [], relays: [], omitted: 'all' }
}
