import { Worker } from 'node:worker_threads'
import { NarrowcastError } from '../../core/errors.ts'
import type { ManifestStore, StoreOptions } from './manifestStore.ts'
import type { Call, Reply } from './manifestThread.ts'

type Method = keyof ManifestStore

interface Pending {
  readonly resolve: (result: unknown) => void
  readonly reject: (error: NarrowcastError) => void
}

/** The sources run as they are, the package runs what was built of them. */
const threadUrl = new URL(
  import.meta.url.endsWith('.ts') ? './manifestThread.ts' : './manifestThread.js',
  import.meta.url,
)

/** The manifest in its thread, so that neither a lock nor a sync stops the event loop. */
export class Manifest {
  readonly #worker: Worker
  readonly #path: string
  readonly #pending = new Map<number, Pending>()
  #calls = 0
  #isClosed = false

  private constructor(options: StoreOptions) {
    this.#path = options.path
    this.#worker = new Worker(threadUrl, { workerData: options, name: 'narrowcast manifest' })
    this.#worker.on('message', (reply: Reply) => this.#answered(reply))
    this.#worker.on('error', (error) => this.#ended(error))
    this.#worker.on('exit', () => this.#ended(null))
  }

  /** @throws STORE_UNUSABLE, DISK_FULL, BUSY */
  static async open(options: StoreOptions): Promise<Manifest> {
    const manifest = new Manifest(options)
    try {
      await manifest.#answer(0)
      return manifest
    } catch (error) {
      await manifest.#worker.terminate()
      throw error
    }
  }

  call<M extends Method>(
    method: M,
    ...args: Parameters<ManifestStore[M]>
  ): Promise<ReturnType<ManifestStore[M]>> {
    if (this.#isClosed) {
      return Promise.reject(new NarrowcastError('CLOSED', `${this.#path}: already closed`))
    }
    const n = ++this.#calls
    const answer = this.#answer(n)
    this.#worker.postMessage({ n, method, args } satisfies Call)
    return answer as Promise<ReturnType<ManifestStore[M]>>
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    await this.call('close')
    this.#isClosed = true
    await this.#worker.terminate()
  }

  #answer(n: number): Promise<unknown> {
    return new Promise((resolve, reject) => this.#pending.set(n, { resolve, reject }))
  }

  #answered(reply: Reply): void {
    const pending = this.#pending.get(reply.n)
    this.#pending.delete(reply.n)
    if ('result' in reply) pending?.resolve(reply.result)
    else {
      const { code, message, hint } = reply.failure
      pending?.reject(new NarrowcastError(code, message, hint === null ? {} : { hint }))
    }
  }

  #ended(cause: Error | null): void {
    this.#isClosed = true
    const error = new NarrowcastError(
      'INTERNAL',
      `${this.#path}: the thread of the manifest has ended${cause ? `: ${cause.message}` : ''}`,
      cause ? { cause } : {},
    )
    for (const { reject } of this.#pending.values()) reject(error)
    this.#pending.clear()
  }
}
