import { parentPort, workerData } from 'node:worker_threads'
import type { ErrorCode } from '../../core/errors.ts'
import { manifestError } from './manifestErrors.ts'
import { ManifestStore, type StoreOptions } from './manifestStore.ts'

/** A call of a method of ManifestStore. */
export interface Call {
  readonly n: number
  readonly method: keyof ManifestStore
  readonly args: readonly unknown[]
}

/** An error in a form that crosses threads. */
export interface Failure {
  readonly code: ErrorCode
  readonly message: string
  readonly hint: string | null
}

/** `n` 0: the manifest was opened, or could not be. */
export type Reply =
  | { readonly n: number; readonly result: unknown }
  | { readonly n: number; readonly failure: Failure }

const options = workerData as StoreOptions

function answer(n: number, work: () => unknown): void {
  let reply: Reply
  try {
    reply = { n, result: work() }
  } catch (error) {
    const { code, message, hint } = manifestError(options.path, error)
    reply = { n, failure: { code, message, hint } }
  }
  parentPort?.postMessage(reply)
}

type Method = (...args: readonly unknown[]) => unknown

answer(0, () => {
  const store = new ManifestStore(options)
  parentPort?.on('message', ({ n, method, args }: Call) => {
    answer(n, () => (store[method] as Method).apply(store, [...args]))
    if (method === 'close') parentPort?.close()
  })
})
