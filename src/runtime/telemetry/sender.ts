import { textOf } from '../thrown.ts'
import type { PublisherFrame, RelayFrame, SubscriptionFrame, TelemetryFrame } from './frame.ts'
import { type FrameFacts, framesOf } from './frames.ts'
import { ProcessFacts } from './processFacts.ts'

/** While something changes, and while nothing does. */
const busyMs = 1_000
const idleMs = 5_000

/** What a process has come to. */
export interface Counts {
  readonly subscriptions: readonly SubscriptionFrame[]
  readonly publishers: readonly PublisherFrame[]
  readonly relays: readonly RelayFrame[]
}

/** Lists of the same name, from several parts, are told as one. */
export type Section = () => Readonly<Record<string, unknown>>

export interface SenderHost {
  /** Names the bus. */
  readonly bus: string
  readonly control: boolean
  counts(): Counts
  /** Sends one frame. A frame that does not arrive is covered by the next. */
  send(frame: TelemetryFrame): Promise<unknown>
}

/**
 * Tells once a second what this process has come to; where nothing changed, every five seconds.
 * It keeps no process alive, and one telling is on its way at a time.
 */
export class TelemetrySender {
  readonly #host: SenderHost
  readonly #facts = new ProcessFacts()
  readonly #sections = new Set<Section>()
  readonly #warned = new WeakSet<Section>()
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

  /** `tells`: a last time, so that the totals are right. */
  async close({ tells }: { tells: boolean }): Promise<void> {
    clearInterval(this.#timer)
    if (tells) {
      await this.#sending
      this.#send(this.#host.counts(), this.#added())
      await this.#sending
    }
    this.#facts.close()
  }

  #tick(): void {
    if (this.#sending !== null) return
    const [counts, added] = [this.#host.counts(), this.#added()]
    const isDue = performance.now() - this.#toldMs > idleMs - busyMs / 2
    if (isDue || changing(counts, added) !== this.#told) this.#send(counts, added)
  }

  /** A part that fails is left out, and told once: it ends neither the process nor the rest. */
  #added(): Record<string, unknown> {
    const added: Record<string, unknown> = {}
    for (const section of this.#sections) {
      try {
        const told = JSON.parse(JSON.stringify(section())) as Record<string, unknown>
        for (const [name, value] of Object.entries(told)) {
          const before = added[name]
          const isListed = Array.isArray(before) && Array.isArray(value)
          added[name] = isListed ? [...before, ...value] : value
        }
      } catch (error) {
        if (this.#warned.has(section)) continue
        this.#warned.add(section)
        const text = `a section of telemetry is left out: ${textOf(error)}`
        process.emitWarning(text, { type: 'NarrowcastWarning' })
      }
    }
    return added
  }

  #send(counts: Counts, added: Readonly<Record<string, unknown>>): void {
    this.#told = changing(counts, added)
    this.#toldMs = performance.now()
    const { host, pid, start, version, memoryMb } = this.#facts
    const facts: FrameFacts = {
      v: 1,
      type: 'telemetry',
      ...{ host, pid, start, bus: this.#host.bus, every_ms: idleMs },
      ...{ version, control: this.#host.control, memory_mb: memoryMb },
      loop_p99_ms: this.#facts.takeLoopP99Ms(),
    }
    const frames = framesOf(facts, counts, added)
    this.#sending = Promise.all(frames.map((frame) => this.#host.send(frame)))
      .catch(() => undefined) // the broker is away: whoever works there is told by it
      .finally(() => {
        this.#sending = null
      })
  }
}

/** What tells that something happened: not what changes by itself. */
function changing({ subscriptions, ...rest }: Counts, added: object): string {
  const counts = subscriptions.map(({ in_flight: _, ...others }) => others)
  return JSON.stringify([counts, rest, added])
}
