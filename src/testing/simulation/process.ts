import type { Clock } from '../../core/clock.ts'

/**
 * A process of the simulation. All that runs in it goes through its clock and its connections, so
 * that it can be frozen, and killed: then nothing in it ever goes on, and nothing says goodbye.
 */
export class Process {
  readonly name: string
  readonly clock: Clock
  isDead = false
  wasFrozen = false
  /** Sleeps in it that have not ended: 0 when everything in it was closed. */
  sleepers = 0
  readonly #killed: (() => void)[] = []
  #frozen: PromiseWithResolvers<void> | null = null

  constructor(name: string, world: Clock) {
    this.name = name
    this.clock = {
      wallMs: () => world.wallMs(),
      monotonicMs: () => world.monotonicMs(),
      sleep: async (ms, signal) => {
        this.sleepers++
        await world.sleep(ms, signal)
        if (this.isHeld) await this.gate()
        this.sleepers--
      },
    }
  }

  /** It is frozen or dead: whoever goes on must wait at the gate. */
  get isHeld(): boolean {
    return this.isDead || this.#frozen !== null
  }

  get isFrozen(): boolean {
    return this.#frozen !== null
  }

  /** Resolves when the process runs; never once it is dead. */
  async gate(): Promise<void> {
    while (this.isDead || this.#frozen) {
      await (this.isDead ? new Promise<never>(() => {}) : this.#frozen?.promise)
    }
  }

  freeze(): void {
    this.wasFrozen = true
    this.#frozen ??= Promise.withResolvers<void>()
  }

  thaw(): void {
    this.#frozen?.resolve()
    this.#frozen = null
  }

  /** Calls back when the process is killed, as its connections break then. */
  onKill(listener: () => void): void {
    this.#killed.push(listener)
  }

  kill(): void {
    if (this.isDead) return
    this.isDead = true
    for (const listener of this.#killed) listener()
  }
}
