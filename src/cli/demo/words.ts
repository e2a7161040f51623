import type { ErrorCode } from '../../core/errors.ts'

/** What a worker process is started with, as JSON. */
export interface WorkerSettings {
  readonly name: string
  readonly url: string
  /** Where the files land. */
  readonly dir: string
  /** A defect on purpose, so that tests see the demo find it. */
  readonly bug: 'ack-before-write' | null
}

/** What a worker tells the demo, in the order in which it happens. Times are wall-clock. */
export type WorkerSays =
  | { readonly type: 'ready' }
  | { readonly type: 'delivered'; readonly ids: readonly string[] }
  | { readonly type: 'written'; readonly ids: readonly string[] }
  /** Had been written before, by whomever. */
  | { readonly type: 'recognised'; readonly ids: readonly string[] }
  | { readonly type: 'acked'; readonly id: string; readonly atMs: number }
  /** Became a dead letter. */
  | { readonly type: 'dead'; readonly id: string; readonly reason: string }
  /** Stands still between writing these and acking them, until it is killed. */
  | { readonly type: 'held'; readonly ids: readonly string[] }
  | { readonly type: 'trouble'; readonly code: ErrorCode; readonly message: string }
  | { readonly type: 'done' }

/** What the demo tells a worker. */
export type WorkerHears =
  /** Stand still after the next write. */
  | { readonly type: 'hold' }
  /** Take nothing new until `back`, so that another one gets it. */
  | { readonly type: 'aside' }
  | { readonly type: 'back' }
  /** Finish what is in hand, and end. */
  | { readonly type: 'stop' }
