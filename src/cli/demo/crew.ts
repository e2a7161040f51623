import { NarrowcastError } from '../../core/errors.ts'
import type { Ledger } from './ledger.ts'
import type { WorkerSays, WorkerSettings } from './words.ts'
import { startWorker, type WorkerHandle } from './workerHandle.ts'

export interface CrewOptions {
  readonly names: readonly string[]
  readonly settings: Omit<WorkerSettings, 'name'>
  readonly ledger: Ledger
  readonly onChange: () => void
  /** Trouble of a worker, in words. */
  readonly onTrouble: (text: string) => void
}

const stopMs = 10_000

/** The worker processes, and what they say entered into the ledger. */
export class Crew implements AsyncDisposable {
  readonly workers: readonly WorkerHandle[]
  readonly #options: CrewOptions
  readonly #ready = new Set<string>()
  readonly #held = new Set<string>()
  #isStopping = false

  constructor(options: CrewOptions) {
    this.#options = options
    this.workers = options.names.map((name) => {
      const worker = startWorker({ ...options.settings, name }, (said) => this.#heard(name, said))
      options.ledger.addWorker(name, worker.pid)
      void worker.exited.then(() => this.#gone(worker))
      return worker
    })
  }

  /**
   * Whether all have their subscription confirmed.
   * @throws INTERNAL when one has ended before that, with its last words.
   */
  isStarted(): boolean {
    const gone = this.workers.find((worker) => worker.isGone && !this.#ready.has(worker.name))
    if (!gone) return this.#ready.size === this.workers.length
    throw new NarrowcastError('INTERNAL', `demo: worker ${gone.name} ended before it was ready`, {
      hint: gone.lastWords || 'It said nothing.',
    })
  }

  /** Whether this one stands still between a write and its ack. */
  isHeld(name: string): boolean {
    return this.#held.has(name)
  }

  worker(name: string): WorkerHandle {
    const found = this.workers.find((worker) => worker.name === name)
    if (!found) throw new Error(`the demo has no worker ${name}`)
    return found
  }

  /** SIGKILL. Resolves when it is gone. */
  async kill(name: string): Promise<void> {
    const worker = this.worker(name)
    this.#entry(name).state = 'killed'
    worker.kill()
    await worker.exited
  }

  /** Lets all finish what they hold and end; who takes too long is killed. */
  async stop(): Promise<void> {
    this.#isStopping = true
    for (const worker of this.workers) worker.tell({ type: 'stop' })
    const timer = setTimeout(() => this.#killAll(), stopMs)
    await this.#allGone()
    clearTimeout(timer)
  }

  /** Leaves nothing running. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopping = true
    this.#killAll()
    await this.#allGone()
  }

  #killAll(): void {
    for (const worker of this.workers) if (!worker.isGone) worker.kill()
  }

  #allGone(): Promise<unknown> {
    return Promise.all(this.workers.map((worker) => worker.exited))
  }

  #entry(name: string) {
    const entry = this.#options.ledger.workers.get(name)
    if (!entry) throw new Error(`the demo has no worker ${name}`)
    return entry
  }

  #heard(name: string, said: WorkerSays): void {
    const { ledger, onTrouble } = this.#options
    switch (said.type) {
      case 'ready':
        this.#ready.add(name)
        this.#entry(name).state = 'running'
        break
      case 'delivered':
        ledger.delivered(name, said.ids)
        break
      case 'held':
        this.#held.add(name)
        ledger.written(name, said.ids)
        break
      case 'written':
        ledger.written(name, said.ids)
        break
      case 'recognised':
        ledger.recognised(name, said.ids)
        break
      case 'acked':
        ledger.acked(name, said.id, said.atMs)
        break
      case 'dead':
        ledger.dead(name, said.id, said.reason)
        break
      case 'trouble':
        onTrouble(`${name}: ${said.code}: ${said.message}`)
        break
      case 'done':
        this.#entry(name).state = 'finished'
    }
    this.#options.onChange()
  }

  #gone(worker: WorkerHandle): void {
    const entry = this.#entry(worker.name)
    if (entry.state === 'killed' || entry.state === 'finished') return
    entry.state = 'failed'
    if (!this.#isStopping) {
      this.#options.onTrouble(`${worker.name} pid ${worker.pid} has ended: ${worker.lastWords}`)
    }
    this.#options.onChange()
  }
}
