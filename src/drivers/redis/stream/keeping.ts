import type { Context } from '../session.ts'
import type { Declared } from './declared.ts'
import { promoteDelayed } from './delayed.ts'
import type { Line } from './line.ts'
import { reconcile } from './reconcile.ts'
import { trim } from './retention.ts'

const keepEveryMs = 1_000
/** How many leases a consumer of others may be silent before what it holds is taken back. */
const silentLeases = 10

export interface KeepingOptions {
  readonly context: Context
  readonly line: Line
  readonly declared: Declared
  readonly leaseMs: number
  /** Nobody receives: no take moves what is due. */
  readonly isResting: () => boolean
  readonly failed: (error: unknown) => void
}

/** Also while nobody receives, what is due gets its place, and what may be forgotten goes. */
export class Keeping {
  readonly #of: KeepingOptions
  readonly #timer: NodeJS.Timeout
  #reconciledMs = performance.now()

  constructor(options: KeepingOptions) {
    const { context, line } = options
    this.#of = options
    this.#timer = setInterval(() => this.#keep(), keepEveryMs)
    const { ended } = context.home(line.channel)
    ended.addEventListener('abort', () => this.end(), { once: true })
  }

  end(): void {
    clearInterval(this.#timer)
  }

  #keep(): void {
    const { context, line, declared, leaseMs, isResting, failed } = this.#of
    const silentMs = silentLeases * leaseMs
    const isLong = performance.now() - this.#reconciledMs >= silentMs
    if (isLong) this.#reconciledMs = performance.now()
    const kept: Promise<unknown>[] = [
      ...(isLong ? [reconcile(line, silentMs)] : []),
      ...(isResting() ? [promoteDelayed(context, line.channel)] : []),
      ...(declared.isRetained ? [trim(context, line.channel, declared.retention)] : []),
    ]
    for (const one of kept) one.catch(failed)
  }
}
