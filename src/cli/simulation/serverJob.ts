import type { Config } from '../../runtime/config.ts'
import type { ServerOptions, ServerStats } from '../../simulator/index.ts'
import type { RecordCounts } from './records.ts'

/** What each server process gets to end its games and send its records. */
export const drainMs = 15_000

export interface ServerJob {
  readonly url: string
  readonly config: Config
  readonly server: ServerOptions
  /** It takes the place of one that died: what it needs will be there again. */
  readonly isAgain: boolean
}

export type ServerEvent =
  | { readonly kind: 'ready'; readonly url: string }
  /** Once a second, when they have changed. */
  | { readonly kind: 'stats'; readonly stats: ServerStats }
  | { readonly kind: 'said'; readonly text: string }
  | { readonly kind: 'ended'; readonly stats: ServerStats; readonly counts: RecordCounts }
