import { checkName, type ReaderSpec } from '../core/channel.ts'
import { NarrowcastError } from '../core/errors.ts'
import { isLive, type Pattern, type Place } from '../core/message.ts'
import type { BatchOptions, DeliveriesOptions, SubscribeOptions } from './api.ts'
import { onlyKnown, whole, wrongOption } from './checks.ts'
import type { Middleware } from './handlerRun.ts'
import { refuseKept } from './live/liveOptions.ts'

const dayMs = 86_400_000
const mebibyte = 1_048_576

/** A subscription with every option checked and every default filled in. */
export interface SubscriptionPlan {
  readonly group: string | null
  readonly from: Place
  readonly name: string | null
  readonly deafAfterMs: number
  readonly concurrency: number
  readonly hold: ReaderSpec['hold']
  readonly runMsMax: number
  readonly abortMs: number
  readonly middleware: readonly Middleware<never>[]
  readonly batch: BatchOptions['batch'] | null
}

const known: readonly (keyof SubscribeOptions | 'batch')[] = [
  'group',
  'from',
  'name',
  'concurrency',
  'holdMax',
  'holdBytesMax',
  'runMsMax',
  'abortMs',
  'deafAfterMs',
  'middleware',
  'batch',
]

/** Of messages that wait in the client of a broker: more than any handler works off in the time to it. */
const aheadMax = 100

/** @throws INVALID_ARGUMENT, naming the option. */
export function planSubscription(
  channel: string,
  pattern: Pattern,
  options: SubscribeOptions<never> & Partial<BatchOptions>,
): SubscriptionPlan {
  onlyKnown(`subscribe to "${channel}"`, options, known)
  if (isLive(pattern)) refuseKept(pattern, channel, options)
  else if (options.holdMax !== undefined) {
    throw wrongOption('holdMax', `nothing on a ${pattern} (it waits there)`, options.holdMax)
  }
  const concurrency = whole('concurrency', options.concurrency, 1, 1, 100_000)
  const batch = options.batch ? batchOf(options.batch) : null
  if (batch && options.middleware) {
    throw wrongOption('middleware', 'nothing beside batch', 'a list of functions')
  }
  const messages = isLive(pattern)
    ? whole('holdMax', options.holdMax, 1_000, 1, 10_000_000)
    : 2 * concurrency * (batch?.size ?? 1) // what runs, and what is being settled
  for (const layer of options.middleware ?? []) {
    if (typeof layer !== 'function') throw wrongOption('middleware', 'functions', layer)
  }
  const bytes = whole('holdBytesMax', options.holdBytesMax, 64 * mebibyte, 1)
  return {
    ...reading(channel, pattern, options),
    concurrency,
    hold: { messages, bytes, ahead: aheadMax },
    runMsMax: whole('runMsMax', options.runMsMax, 900_000, 1, dayMs),
    abortMs: whole('abortMs', options.abortMs, 10_000, 0, dayMs),
    middleware: options.middleware ?? [],
    batch,
  }
}

function batchOf(batch: BatchOptions['batch']): BatchOptions['batch'] {
  onlyKnown('batch', batch, ['size', 'waitMsMax'])
  return {
    size: whole('batch.size', batch.size, 1, 1, 100_000),
    waitMsMax: whole('batch.waitMsMax', batch.waitMsMax, 0, 0, dayMs),
  }
}

export interface DeliveriesPlan {
  readonly group: string | null
  readonly from: Place
  readonly name: string | null
  readonly deafAfterMs: number
  readonly hold: ReaderSpec['hold']
  readonly charge: ReaderSpec['charge']
}

/** @throws INVALID_ARGUMENT, naming the option. */
export function planDeliveries(
  channel: string,
  pattern: Pattern,
  options: DeliveriesOptions,
): DeliveriesPlan {
  const names = [
    'group',
    'from',
    'name',
    'holdMax',
    'holdBytesMax',
    'charge',
    'dedupe',
    'deafAfterMs',
  ]
  onlyKnown(`deliveries of "${channel}"`, options, names)
  const { charge = 'marked', dedupe = false } = options
  if (dedupe !== false) throw wrongOption('dedupe', 'false', dedupe)
  if (charge !== 'marked' && charge !== 'taken') {
    throw wrongOption('charge', "'taken' or 'marked'", charge)
  }
  return {
    ...reading(channel, pattern, options),
    hold: {
      messages: whole('holdMax', options.holdMax, 1_000, 1, 10_000_000),
      bytes: whole('holdBytesMax', options.holdBytesMax, 64 * mebibyte, 1),
    },
    charge,
  }
}

function reading(
  channel: string,
  pattern: Pattern,
  options: { group?: string; from?: Place; name?: string; deafAfterMs?: number },
): { group: string | null; from: Place; name: string | null; deafAfterMs: number } {
  const { group = null, from, name = null } = options
  if (pattern === 'stream' && group === null) {
    throw new NarrowcastError(
      'INVALID_ARGUMENT',
      `stream "${channel}" is read by groups: option group is missing`,
      { channel, hint: "Name the group, for example { group: 'mail' }." },
    )
  }
  if (pattern === 'queue' && group !== null) {
    throw wrongOption('group', 'nothing on a queue (streams only)', group)
  }
  if (pattern === 'queue' && from !== undefined) {
    throw wrongOption('from', 'nothing on a queue (streams only)', JSON.stringify(from))
  }
  if (group !== null) checkName('group', group)
  const deafAfterMs = whole('deafAfterMs', options.deafAfterMs, 15_000, 100, dayMs)
  return { group, from: placeOf(from ?? 'first'), name, deafAfterMs }
}

function placeOf(from: Place): Place {
  if (from === 'first' || from === 'end') return from
  if (typeof from === 'object' && from !== null) {
    const isText =
      'position' in from
        ? typeof from.position === 'string'
        : 'id' in from && typeof from.id === 'string'
    if (isText || ('timeMs' in from && Number.isFinite(from.timeMs))) return from
  }
  throw wrongOption(
    'from',
    "'first', 'end', { position }, { id } or { timeMs }",
    JSON.stringify(from),
  )
}
