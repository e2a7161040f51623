import type { Pattern, Settlement, SettleOutcome } from '../../core/message.ts'
import type { Config } from '../../runtime/config.ts'
import type { ConnectionEvent } from '../connectionWatch.ts'
import type { Gap } from './gaps.ts'

/** What the work in hand gets to end in. */
export const drainMs = 10_000

/** What each worker process is told to do. */
export interface WorkJob {
  readonly url: string
  readonly config: Config
  readonly channel: string
  readonly pattern: Pattern
  readonly group: string | null
  readonly concurrency: number
  /** It ends when `workers drain` or `workers stop` names it. */
  readonly control: boolean
  readonly run: { readonly exec: string } | { readonly module: string }
  /** What programs print goes to the parent, line by line, instead of straight to stdout. */
  readonly tellOutput: boolean
}

/** One delivery that came to its end. */
export interface Settled {
  readonly id: string
  readonly kind: Settlement['kind']
  readonly outcome: SettleOutcome
  readonly attempt: number
  readonly tookMs: number
}

export type WorkEvent =
  | { readonly kind: 'ready' }
  | ConnectionEvent
  /** Gathered over a tenth of a second. */
  | {
      readonly kind: 'tick'
      readonly settled: readonly Settled[]
      readonly now: readonly { readonly id: string; readonly forMs: number }[]
      readonly gaps: readonly Gap[]
    }
  /** Nobody reads stdout any more. */
  | { readonly kind: 'unread' }
  | { readonly kind: 'failed'; readonly id: string | null; readonly text: string }
  | { readonly kind: 'dead'; readonly id: string; readonly cause: string; readonly reason: string }
  | { readonly kind: 'late'; readonly id: string; readonly overdueMs: number }
  | {
      readonly kind: 'output'
      readonly id: string
      readonly line: string
      readonly isError: boolean
    }
  | {
      readonly kind: 'drained'
      readonly settled: number
      readonly released: number
      readonly abandoned: number
      /** Of these, whose handler was never called, for the drain was over before its turn. */
      readonly unbegun: number
    }
