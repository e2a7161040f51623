import type { WorkerRef } from '../../core/channel.ts'

/**
 * Which process of the server gave a subscription its tokens, remembered over a lost session. After
 * a failover, or a restart that lost the last second, a token may stand for nothing: then its
 * message waits again, and a settlement by it would be believed and mean another thing.
 */
export class KnownServers {
  readonly #runIds = new WeakMap<WorkerRef, string>()

  /** What it holds was handed out by another process of the server. */
  isAnother(subscription: WorkerRef, runId: string): boolean {
    const before = this.#runIds.get(subscription)
    return before !== undefined && before !== runId
  }

  note(subscription: WorkerRef, runId: string): void {
    this.#runIds.set(subscription, runId)
  }
}
