import type { Lead } from '../../../core/driver.ts'
import type { ErrorCode, NarrowcastError } from '../../../core/errors.ts'
import type { Script } from '../script.ts'
import { untilAborted } from '../untilAborted.ts'
import { beginScript, keepScript, leaseKeyOf, ledText, releaseScript } from './leadScripts.ts'
import { type LiveSourceOptions, RedisLiveSource } from './liveSource.ts'
import { leadChannelOf } from './names.ts'
import { removedText } from './presence.ts'

/** The relay that leads: its lease lies in Redis, and every send of it compares the fence there. */
export class RedisLead extends RedisLiveSource implements Lead {
  readonly fence: string
  readonly #key: string
  readonly #told: string
  readonly #renewing: NodeJS.Timeout
  /** Until then the lease holds for certain. */
  #heldUntilMs: number
  #isListening = false
  #hasLed = false
  /** What was untaken when another one began; null where none has, as far as it has heard. */
  #owed: number | null = null
  #left: Promise<void> | null = null

  constructor(options: LiveSourceOptions, fence: string) {
    super(options)
    this.fence = fence
    this.#key = leaseKeyOf(options.channel.name)
    this.#told = leadChannelOf(options.channel.name, options.home)
    this.#heldUntilMs = performance.now()
    this.#renewing = setInterval(() => void this.#renewInTime(), this.leaseMs / 3).unref()
  }

  /** False when the lease has ended meanwhile: another one may lead. */
  async begin(): Promise<boolean> {
    this.#isListening = true
    await this.options.home.subscribe(this.#told, this.#listen)
    await this.open()
    const isHeld = await this.#begin()
    this.#hasLed = isHeld
    if (isHeld && this.ended) throw this.ended
    this.lease.waits(false)
    return isHeld
  }

  override async renew(signal: AbortSignal): Promise<void> {
    await super.renew(signal)
    if (!(await this.#keep('', this.leaseMs))) throw this.#fenced('renew')
  }

  /** First nobody publishes to it any more, then nothing more comes. */
  override async stop(signal: AbortSignal): Promise<void> {
    this.check('stop')
    const keeping = () => untilAborted(this.#keep('-', this.leaseMs), signal, 'stop')
    if (this.ended === null && !(await keeping())) throw this.#fenced('stop')
    await super.stop(signal)
  }

  /** What came after another one was granted the lead is not for this one. */
  protected override get isAssured(): boolean {
    return performance.now() < this.#heldUntilMs
  }

  protected override async assure(): Promise<void> {
    if (!(await this.#keep('', this.leaseMs))) throw this.#fenced('receive')
  }

  override leave(): Promise<void> {
    clearInterval(this.#renewing)
    this.#left ??= super.leave().then(() => this.#tellOwed())
    return this.#left
  }

  protected override async leaveBroker(): Promise<void> {
    const { home } = this.options
    if (this.#isListening) await home.unsubscribe(this.#told, this.#listen)
    await home.run(releaseScript(home), [this.#key], [this.fence, this.#told], 'lead')
  }

  protected override goneCode(): ErrorCode {
    return 'FENCED'
  }

  readonly #listen = (raw: Buffer) => {
    const text = raw.toString()
    if (text === removedText) {
      this.end(this.error('FENCED', 'receive', 'the channel was removed'))
    } else if (text.startsWith(ledText) && text !== ledText + this.fence) {
      this.#owed = this.untaken
      void this.#renewInTime()
    }
  }

  /** Who waits for messages, or has just taken some, renews nothing itself. */
  async #renewInTime(): Promise<void> {
    const { leftMs } = this.lease
    if (leftMs <= 0) return
    try {
      const isFresh = this.#heldUntilMs - performance.now() > (this.leaseMs * 3) / 4
      if (isFresh || (await this.#keep('', leftMs))) this.#owed = null
      else this.#fenced('renew')
    } catch {
      // The lease ends by it, which is told: by the session, or where it is next asked for.
    }
  }

  /** It was told to publishers as received, also what came while nobody here could read it. */
  #tellOwed(): void {
    const { ended } = this
    if (!this.#hasLed || ended === null || ended.code === 'CLOSED') return
    const missed = this.#owed ?? this.untaken
    if (missed > 0) this.options.on.gap(missed, 'reconnect')
  }

  #begin(): Promise<boolean> {
    const { home } = this.options
    return this.#held(
      beginScript(home),
      [String(Math.ceil(this.leaseMs)), this.#told],
      this.leaseMs,
    )
  }

  #keep(mark: '-' | '', ms: number): Promise<boolean> {
    return this.#held(keepScript, [mark, String(Math.ceil(ms))], ms)
  }

  async #held(script: Script, args: readonly string[], ms: number): Promise<boolean> {
    const untilMs = performance.now() + ms
    const { home } = this.options
    const held = await home.run<number>(script, [this.#key], [this.fence, ...args], 'lead')
    if (held === 1) this.#heldUntilMs = untilMs
    return held === 1
  }

  #fenced(operation: string): NarrowcastError {
    const { worker } = this.options.spec
    const text = `${worker.id} leads no longer: its lease of ${this.leaseMs} ms has ended`
    const error = this.error('FENCED', operation, text)
    this.end(error)
    return error
  }
}
