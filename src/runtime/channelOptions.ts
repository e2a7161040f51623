import type { StandardSchemaV1 } from '@standard-schema/spec'
import { type ChannelSpec, checkName, isOwnChannel, type Ordering } from '../core/channel.ts'
import { type Codec, codecs } from '../core/codec.ts'
import type { Contract } from '../core/contract.ts'
import { NarrowcastError } from '../core/errors.ts'
import { isLive, type Pattern } from '../core/message.ts'
import type { ChannelOptions } from './api.ts'
import type { Backoff } from './backoff.ts'
import { onlyKnown, whole, wrongOption } from './checks.ts'
import type { ChannelDefaults } from './config.ts'
import { notKept, refuseKept, routing } from './live/liveOptions.ts'
import { envelopeOf } from './plainData.ts'
import type { Strategy } from './strategies/strategies.ts'

const dayMs = 86_400_000

/** A channel with every option checked and every default filled in. */
export interface ChannelPlan {
  readonly spec: ChannelSpec
  readonly schema: StandardSchemaV1 | null
  readonly codec: Codec
  readonly attempts: number
  readonly deliveriesMax: number
  readonly backoff: Backoff
  /** Wishes that the caller made: what nobody asked for is taken as the broker has it. */
  readonly asked: ReadonlySet<keyof ChannelOptions>
  readonly publish: { readonly retry: false | 'safe' | 'always'; readonly timeoutMs: number }
  readonly outbox: { readonly messagesMax: number; readonly bytesMax: number }
  /** How long a consumed id is remembered; null: no dedupe on consume. */
  readonly consumeWindowMs: number | null
  /** Null: not asked for, as the group has it. */
  readonly order: Ordering | null
  /** Of a narrowcast whose publishers choose. */
  readonly strategy: Strategy
}

const known: readonly (keyof ChannelOptions)[] = [
  'schema',
  'codec',
  'envelope',
  'payloadBytesMax',
  'publish',
  'inFlightMax',
  'inFlightBytesMax',
  'leaseMs',
  'attempts',
  'deliveriesMax',
  'backoff',
  'retention',
  'dedupe',
  'order',
  'onFailure',
  'via',
  'strategy',
]

/** Names inside of an option that is an object. */
const knownWithin = {
  publish: ['retry', 'timeoutMs'],
  backoff: ['delayMsMin', 'delayMsMax'],
  retention: ['ageMs', 'messages', 'bytes'],
  dedupe: ['on', 'windowMs'],
} as const

/**
 * Checks what can be checked without a broker.
 * @throws INVALID_ARGUMENT, naming the option; UNSUPPORTED for one that a live pattern cannot have.
 */
export function planChannel(
  name: string,
  pattern: Pattern,
  options: ChannelOptions<never>,
  defaults: ChannelDefaults,
): ChannelPlan {
  checkName('channel', name)
  if (isOwnChannel(name) && pattern !== 'broadcast') {
    throw wrongOption('name', `another name for a ${pattern}: this one is our own`, name)
  }
  onlyKnown(`channel "${name}"`, options, known)
  for (const [option, names] of Object.entries(knownWithin)) {
    const given = options[option as keyof typeof knownWithin]
    if (given) onlyKnown(`channel "${name}", option ${option}`, given, names)
  }
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
  const wish: ChannelOptions<never> = { ...defaults, ...Object.fromEntries(given) }
  const { dedupe } = wish
  if (isLive(pattern)) {
    refuseKept(pattern, name, options)
    refuseKept(pattern, name, defaults, ', said by the project file')
    if (wish.publish?.retry === 'always') throw notKept(pattern, name, 'publish.retry')
  }
  const { via, strategy } = routing(pattern, wish)
  // A default for all channels, from the URL, is meant for the streams among them.
  const retention = pattern === 'queue' ? options.retention : wish.retention
  if (dedupe && dedupe.on !== 'publish' && dedupe.on !== 'consume') {
    throw wrongOption('dedupe.on', "'publish' or 'consume'", dedupe.on)
  }
  if (retention && pattern === 'queue') {
    throw wrongOption('retention', 'nothing on a queue (streams only)', JSON.stringify(retention))
  }
  const windowMs = dedupe
    ? whole('dedupe.windowMs', dedupe.windowMs, 120_000, 1_000, 365 * dayMs)
    : null
  return {
    spec: {
      name,
      pattern,
      via,
      envelope: envelopeOf(wish),
      leaseMs: whole('leaseMs', wish.leaseMs, 30_000, 100, dayMs),
      payloadBytesMax: whole('payloadBytesMax', wish.payloadBytesMax, 1_048_576, 1),
      dedupeWindowMs: dedupe?.on === 'publish' ? windowMs : null,
      retention: {
        ageMs: limit('retention.ageMs', retention?.ageMs),
        messages: limit('retention.messages', retention?.messages),
        bytes: limit('retention.bytes', retention?.bytes),
      },
    },
    schema: (wish.schema as StandardSchemaV1 | undefined) ?? null,
    codec: codecOf(wish.codec ?? 'json'),
    attempts: whole('attempts', wish.attempts, 5, 1),
    deliveriesMax: whole('deliveriesMax', wish.deliveriesMax, 10, 2),
    backoff: backoffOf(wish.backoff ?? {}),
    asked: new Set(Object.keys(wish) as (keyof ChannelOptions)[]),
    publish: {
      retry: retryOf(wish.publish?.retry ?? 'safe'),
      timeoutMs: whole('publish.timeoutMs', wish.publish?.timeoutMs, 30_000, 1),
    },
    outbox: {
      messagesMax: whole('inFlightMax', wish.inFlightMax, 1_000, 1),
      bytesMax: whole('inFlightBytesMax', wish.inFlightBytesMax, 16 * 1_048_576, 1),
    },
    consumeWindowMs: dedupe?.on === 'consume' ? windowMs : null,
    order: orderOf(wish),
    strategy,
  }
}

function limit(name: string, value: number | undefined): number | null {
  return value === undefined ? null : whole(name, value, 0, 1)
}

function codecOf(codec: 'json' | 'bytes' | Codec): Codec {
  if (typeof codec === 'object') return codec
  const found = codecs[codec]
  if (!found) throw wrongOption('codec', "'json', 'bytes' or a Codec", codec)
  return found
}

function retryOf(retry: false | 'safe' | 'always'): false | 'safe' | 'always' {
  if (retry === false || retry === 'safe' || retry === 'always') return retry
  throw wrongOption('publish.retry', "false, 'safe' or 'always'", retry)
}

function orderOf({ order, onFailure }: ChannelOptions<never>): Ordering | null {
  if (order !== undefined && order !== 'none' && order !== 'key') {
    throw wrongOption('order', "'none' or 'key'", order)
  }
  if (onFailure === undefined) return order === 'key' ? 'skip' : (order ?? null)
  if (order !== 'key') throw wrongOption('onFailure', "nothing without order: 'key'", onFailure)
  if (onFailure === 'block' || onFailure === 'skip') return onFailure
  throw wrongOption('onFailure', "'block' or 'skip'", onFailure)
}

function backoffOf(wish: NonNullable<ChannelOptions['backoff']>): Backoff {
  const delayMsMin = whole('backoff.delayMsMin', wish.delayMsMin, 100, 0, dayMs)
  const delayMsMax = whole(
    'backoff.delayMsMax',
    wish.delayMsMax,
    Math.max(30_000, delayMsMin),
    0,
    dayMs,
  )
  if (delayMsMax >= delayMsMin) return { delayMsMin, delayMsMax }
  throw wrongOption('backoff.delayMsMax', `at least delayMsMin (${delayMsMin})`, delayMsMax)
}

/**
 * Compares the wishes of a channel with what the broker promises for it.
 * @throws UNSUPPORTED, naming the wish and the driver.
 */
export function checkWishes(plan: ChannelPlan, contract: Contract, driver: string): void {
  const refuse = (wish: string, why: string): never => {
    throw new NarrowcastError(
      'UNSUPPORTED',
      `${driver}: channel "${plan.spec.name}" asks for ${wish}, ${why}`,
      { driver, channel: plan.spec.name, operation: 'open' },
    )
  }
  const { dedupe, counts, payloadBytesMax } = contract
  const windowMs = plan.spec.dedupeWindowMs
  if (windowMs !== null && windowMs > (dedupe.publishWindowMsMax ?? -1)) {
    refuse(
      `dedupe on publish over ${windowMs} ms`,
      dedupe.publishWindowMsMax === null
        ? 'which this backend does not offer'
        : `the longest window here is ${dedupe.publishWindowMsMax} ms`,
    )
  }
  if (plan.consumeWindowMs !== null && dedupe.consume === 'no') {
    refuse('dedupe on consume', 'which this backend does not offer')
  }
  if (plan.asked.has('attempts') && counts.failures !== 'exact') {
    refuse(`attempts = ${plan.attempts}`, 'but failures are not counted exactly here')
  }
  if (plan.order !== null && plan.order !== 'none' && contract.keyOrder === 'no') {
    refuse("order: 'key'", 'which this backend does not offer')
  }
  if (Object.values(plan.spec.retention).some((limit) => limit !== null) && !contract.retention) {
    refuse('retention', 'which is set in the broker itself here: leave it out')
  }
  if (!plan.spec.envelope && !contract.plainData) {
    refuse('envelope: false', 'which this backend does not offer: leave it out')
  }
  if (plan.asked.has('payloadBytesMax') && plan.spec.payloadBytesMax > payloadBytesMax) {
    refuse(
      `payloadBytesMax = ${plan.spec.payloadBytesMax}`,
      `the most here is ${payloadBytesMax} bytes`,
    )
  }
}
