import type { StandardSchemaV1 } from '@standard-schema/spec'
import { checkName } from '../core/channel.ts'
import { NarrowcastError } from '../core/errors.ts'
import type { IncomingMessage, Pattern } from '../core/message.ts'
import { onlyKnown, whole, wrongOption } from '../runtime/checks.ts'
import type { Table } from './defineTable.ts'

/** What `emit` takes for a table. */
export type RowOf<T> = T extends Table<infer R> ? R : never

/** Facts of a message beside its data. */
export type MessageFacts = Omit<IncomingMessage, 'body'>

export interface TransformContext<T extends readonly Table[] = readonly Table[], L = unknown> {
  /** Checked when compiling and again when running: a row that does not fit is a dead letter. */
  readonly emit: <One extends T[number]>(table: One, row: RowOf<One>) => void
  /** The message is a dead letter with this reason; nothing of it lands. */
  readonly dead: (reason: string) => void
  /** What `load` gave. */
  readonly loaded: L
  readonly message: MessageFacts
}

export interface LoadContext {
  /** Fires when the message is lost, the run ends, or after `loadMsMax`. */
  readonly signal: AbortSignal
  /** The message is a dead letter with this reason; `transform` is not called. */
  readonly dead: (reason: string) => void
  readonly message: MessageFacts
}

/** A value that the data must hold; of objects only the fields that are named are compared. */
export type Match = string | number | boolean | null | { readonly [field: string]: Match }

export interface PipelineOptions<T extends readonly Table[], I, L> {
  /** Letters, digits, `.`, `_`, `-`; the group on a stream, and the folder of its dead letters. */
  readonly name: string
  /** @default pattern 'queue' */
  readonly channel: { readonly name: string; readonly pattern?: Pattern }
  /** What does not match is settled and counted as skipped. @default everything matches */
  readonly match?: { readonly [field: string]: Match }
  /** Any Standard Schema. What it refuses is a dead letter. @default unchecked */
  readonly input?: StandardSchemaV1<unknown, I>
  readonly tables: T
  /** Looks up what the message does not carry. Throwing is a retry. */
  readonly load?: (input: NoInfer<I>, context: LoadContext) => L | Promise<L>
  /** A `load` that takes longer counts as thrown. @default 30 s */
  readonly loadMsMax?: number
  /**
   * Synchronous, and of the message alone: no clock, no chance, no reading, so that a second run
   * gives the same rows in the same order. Throwing is a retry.
   */
  readonly transform: (input: NoInfer<I>, context: TransformContext<T, Awaited<L>>) => void
}

/** A checked pipeline. `transform` and `load` take what `input` let through. */
export interface Pipeline {
  readonly name: string
  readonly channel: { readonly name: string; readonly pattern: Pattern }
  readonly match: { readonly [field: string]: Match } | null
  readonly input: StandardSchemaV1 | null
  readonly tables: readonly Table[]
  readonly load: ((input: unknown, context: LoadContext) => unknown) | null
  readonly loadMsMax: number
  readonly transform: (input: unknown, context: TransformContext) => unknown
}

const known: readonly (keyof PipelineOptions<[], unknown, unknown>)[] = [
  'name',
  'channel',
  'match',
  'input',
  'tables',
  'load',
  'loadMsMax',
  'transform',
]

/**
 * Defines how the messages of a channel become rows of tables.
 * @throws INVALID_ARGUMENT, naming the option.
 */
export function definePipeline<const T extends readonly Table[], I = unknown, L = undefined>(
  options: PipelineOptions<T, I, L>,
): Pipeline {
  onlyKnown('definePipeline', options, known)
  checkPipelineName(options.name)
  const { name, pattern = 'queue' } = options.channel ?? {}
  checkName('channel', name)
  checkPattern('channel.pattern', pattern)
  checkTables(options.name, options.tables)
  if (typeof options.transform !== 'function') {
    throw wrongOption('transform', 'a function', typeof options.transform)
  }
  const { match = null, input = null, load = null, tables } = options
  return {
    name: options.name,
    channel: { name, pattern },
    match,
    input,
    tables,
    load: load as Pipeline['load'],
    loadMsMax: whole('loadMsMax', options.loadMsMax, 30_000, 1),
    transform: options.transform as Pipeline['transform'],
  }
}

/** It names a group and a folder. @throws INVALID_ARGUMENT */
const patterns: readonly Pattern[] = ['queue', 'stream', 'broadcast', 'narrowcast']

/** @throws INVALID_ARGUMENT */
export function checkPattern(option: string, pattern: Pattern): void {
  if (patterns.includes(pattern)) return
  throw wrongOption(option, "'queue', 'stream', 'broadcast' or 'narrowcast'", pattern)
}

export function checkPipelineName(name: string): void {
  try {
    checkName('group', name)
  } catch (error) {
    throw new NarrowcastError(
      'INVALID_ARGUMENT',
      `pipeline: ${(error as Error).message.replace(/^group name/, 'its name')}`,
    )
  }
}

function checkTables(pipeline: string, tables: readonly Table[]): void {
  if (!Array.isArray(tables) || tables.length === 0 || tables.length > 100) {
    throw wrongOption('tables', '1 to 100 tables', Array.isArray(tables) ? tables.length : tables)
  }
  const seen = new Set<string>()
  for (const { name } of tables) {
    // Two names that differ in case only are one folder on some systems.
    if (seen.has(name.toLowerCase())) {
      throw new NarrowcastError(
        'INVALID_ARGUMENT',
        `pipeline "${pipeline}": two tables are named ${name}`,
      )
    }
    seen.add(name.toLowerCase())
  }
}
