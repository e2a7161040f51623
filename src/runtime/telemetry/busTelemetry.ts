import { telemetryChannel, type WorkerRef } from '../../core/channel.ts'
import { NarrowcastError } from '../../core/errors.ts'
import type { BusChannel } from '../busChannel.ts'
import { busClosed } from '../closedErrors.ts'
import type { Load } from '../strategies/leastBusy.ts'
import type { RelayFrame, TelemetryFrame } from './frame.ts'
import { type Section, TelemetrySender } from './sender.ts'
import type { TelemetryView } from './view.ts'

/** Frames of other processes that wait for us. */
const framesMax = 10_000

export interface BusTelemetryHost {
  /** Names the bus. */
  readonly bus: string
  /** The telemetry channel; null where the driver has no broadcast. */
  channel(): BusChannel<TelemetryFrame, unknown> | null
  /** All channels of the bus but those of our own. */
  channels(): readonly BusChannel<never, never>[]
  relays(): readonly RelayFrame[]
  /** It obeys what it is told on the control channel. */
  readonly control: boolean
}

/** What one bus tells of itself, and what it hears of others. */
export class BusTelemetry {
  readonly #host: BusTelemetryHost
  readonly #sender: TelemetrySender | null
  #isClosed = false
  #view: TelemetryView | null = null
  #watching: Promise<TelemetryView> | null = null

  /** `sends` false: it only hears. */
  constructor(host: BusTelemetryHost, sends: boolean) {
    this.#host = host
    this.#sender = sends
      ? new TelemetrySender({
          bus: host.bus,
          control: host.control,
          counts: () => ({
            subscriptions: host.channels().flatMap((one) => one.subscriptionFrames),
            publishers: host.channels().flatMap((one) => one.publisherFrame ?? []),
            relays: host.relays(),
          }),
          send: async (frame) => host.channel()?.publish(frame),
        })
      : null
  }

  /** What a worker had in hand when it last told; null: unknown. Asking begins to watch. */
  load({ id }: WorkerRef): Load | null {
    if (this.#watching === null && !this.#isClosed) this.watch().catch(() => undefined) // unheard, all are equally busy
    return this.#view?.load(id) ?? null
  }

  add(section: Section): () => void {
    return this.#sender?.add(section) ?? (() => undefined)
  }

  /** Hears from now on. @throws UNSUPPORTED where the driver has no broadcast */
  async watch(): Promise<TelemetryView> {
    if (this.#isClosed) throw busClosed()
    this.#watching ??= this.#watch()
    return this.#watching
  }

  /** Nothing is told or heard from then on. `tells`: but for a last time. */
  async close({ tells }: { tells: boolean }): Promise<void> {
    await this.#sender?.close({ tells })
    this.#isClosed = true
  }

  async #watch(): Promise<TelemetryView> {
    const { TelemetryView: View } = await import('./view.ts')
    const view = new View(() => performance.now())
    const channel = this.#host.channel()
    if (!channel) throw noBroadcast()
    const options = { holdMax: framesMax, concurrency: framesMax }
    await channel.subscribe((frame: unknown) => view.take(frame), options).ready()
    this.#view = view
    return view
  }
}

function noBroadcast(): NarrowcastError {
  return new NarrowcastError(
    'UNSUPPORTED',
    'telemetry travels by broadcast, which this backend does not offer',
    { channel: telemetryChannel, operation: 'watch' },
  )
}
