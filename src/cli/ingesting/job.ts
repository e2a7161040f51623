import type { Pattern } from '../../core/message.ts'
import type { Landed } from '../../pipelines/index.ts'
import type { RunStats } from '../../pipelines/runStats.ts'
import type { Config } from '../../runtime/config.ts'
import type { ConnectionEvent } from '../connectionWatch.ts'

/** What a commit that is under way gets to end in. */
export const drainMs = 30_000

/** What each worker process is told to land, and how. */
export interface IngestJob {
  readonly url: string
  readonly config: Config
  /** A module with a pipeline, or a channel of which each message is one row. */
  readonly source: { readonly file: string } | { readonly channel: string }
  readonly pattern: Pattern | null
  readonly as: string | null
  readonly group: string | null
  readonly dir: string
  readonly format: 'parquet' | 'ndjson' | null
  readonly layout: { readonly key: string } | null
  readonly exclusive: 'key' | 'worker' | null
  readonly preset: 'py-superhero' | null
  readonly roll: Roll
}

/** When a commit is due; what is absent is the lake's default. */
export interface Roll {
  readonly ageMsMax?: number
  readonly bytesMax?: number
  readonly rowsMax?: number
}

export type IngestEvent =
  | { readonly kind: 'ready' }
  | ConnectionEvent
  | { readonly kind: 'stats'; readonly stats: RunStats }
  | {
      readonly kind: 'commit'
      readonly landed: Omit<Landed, 'ids' | 'deadIds'> & {
        readonly messages: number
        readonly dead: number
      }
    }
  | { readonly kind: 'dead'; readonly id: string; readonly cause: string; readonly reason: string }
  | { readonly kind: 'retried'; readonly id: string; readonly text: string }
  /** One that had failed before is in hand again. */
  | { readonly kind: 'retaken'; readonly id: string }
  | { readonly kind: 'error'; readonly text: string }
