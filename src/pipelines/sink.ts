import type { Clock } from '../core/clock.ts'
import type { NarrowcastError } from '../core/errors.ts'
import type { DeadLetter, SettleOutcome } from '../core/message.ts'
import type { DeliveryVerdict, OpenDelivery } from '../runtime/api.ts'
import type { Pipeline } from './definePipeline.ts'
import type { Row } from './encoders/encoder.ts'

/** A message as it lies in the broker: JSON text, or bytes. */
export type Raw = OpenDelivery<string | Uint8Array>

export interface StagedRow {
  /** Place in the pipeline's tables. */
  readonly table: number
  readonly row: Row
}

/** Why a message cannot land as rows. */
export interface Refusal {
  readonly cause: DeadLetter['cause']
  readonly error: { readonly name: string; readonly message: string; readonly path: string }
  /** The schema that refused it: 'input' or the name of a table. */
  readonly schema: string | null
}

/** A message that is to land: as its rows, or as one dead letter. */
export interface Staged {
  readonly raw: Raw
  readonly rows: readonly StagedRow[]
  readonly refusal: Refusal | null
}

/** What a sink says of one message, to be told to the broker. */
export interface Answer {
  readonly raw: Raw
  readonly verdict: DeliveryVerdict
  /**
   * landed: its rows are in place. dead: it is a dead letter. recognised: it had landed before.
   * conflict: a file of its key holds other rows, which stay. waiting: a commit of another worker
   * holds it, whose files are not in place yet.
   */
  readonly as: 'landed' | 'dead' | 'recognised' | 'conflict' | 'waiting'
}

export interface LandedFile {
  /** Relative to the root. */
  readonly path: string
  /** null: dead letters. */
  readonly table: string | null
  readonly rows: number
  readonly bytes: number
}

/** One commit: a set of whole files that became visible. */
export interface Landed {
  readonly id: string
  /** Ids of the messages whose rows it holds. */
  readonly ids: readonly string[]
  readonly deadIds: readonly string[]
  readonly rows: Readonly<Record<string, number>>
  readonly files: readonly LandedFile[]
  readonly bytes: number
  /** From the first byte written to the last file in place. */
  readonly tookMs: number
}

export interface Answers {
  readonly answers: readonly Answer[]
  /** Why the dead ones among them died. */
  readonly refused: readonly { readonly raw: Raw; readonly refusal: Refusal }[]
  readonly landed: Landed | null
  /** Told when the broker has answered, one outcome each; null: the settlement failed. */
  settled(outcomes: readonly (SettleOutcome | null)[]): Promise<void>
}

/** The steps of the commit protocol, and of a recovery, as `onStep` is told them. */
export const steps = [
  'filled',
  'recognised',
  'staged',
  'written',
  'committed',
  'renamed',
  'settled',
  'published',
  'expelled',
  'replaced',
  'cleaned',
] as const
export type Step = (typeof steps)[number]

export interface StepInfo {
  /** The messages that the step is about. */
  readonly ids: readonly string[]
  readonly worker: string
}

export interface SinkContext {
  readonly pipeline: Pipeline
  readonly worker: string
  readonly clock: Clock
  /** Fires when the run must end: waits for a lock are given up. */
  readonly signal: AbortSignal
  step(step: Step, ids: readonly string[]): Promise<void>
  /** Trouble that does not end the run, such as a lock that another process keeps. */
  warn(error: NarrowcastError): void
  /** Trouble of our own that ends the run. */
  fail(error: NarrowcastError): void
}

/** When a batch is full. */
export interface BatchLimits {
  readonly rowsMax: number
  readonly bytesMax: number
  readonly ageMsMax: number
  readonly messagesMax: number
  /** Files of one commit. */
  readonly pathsMax: number
}

export interface Sink {
  readonly kind: 'lake' | 'per-key'
  readonly dir: string
  readonly limits: BatchLimits
  readonly holdMax: number
  readonly attempts: number
  readonly deliveriesMax: number
  /** Checks the folder, recovers what dead workers left, and begins. */
  open(context: SinkContext): Promise<OpenSink>
}

export interface OpenSink {
  /** Which of these have landed before. */
  recognise(
    batch: readonly Raw[],
  ): Promise<{ readonly fresh: readonly Raw[]; readonly known: Answers }>
  /** Lands all of it. Rejecting, it has told nobody: what was committed is recognised later. */
  land(batch: readonly Staged[]): Promise<Answers>
  /** Names the file that a row goes to, to bound the files of one commit. */
  pathOf(raw: Raw, row: StagedRow): string
  close(): Promise<void>
}
