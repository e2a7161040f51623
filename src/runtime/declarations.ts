import { contractRow } from '../core/contract.ts'
import { NarrowcastError } from '../core/errors.ts'
import type { Pattern } from '../core/message.ts'
import type { ChannelOptions } from './api.ts'
import { BusChannel, type ChannelHost } from './busChannel.ts'
import { type ChannelPlan, planChannel } from './channelOptions.ts'
import type { ChannelDefaults } from './config.ts'
import { unsupportedPattern } from './openedChannel.ts'

/** Where a crash is counted for all that was handed out, nothing dies of a few of others. */
const mixedMax = 1_000

type Options = ChannelOptions<never>
export type AnyChannel = BusChannel<never, never>

interface Declared {
  readonly options: Options
  readonly plan: ChannelPlan
  readonly channel: AnyChannel
}

/**
 * The channels of a bus, each once for every codec: handles that differ would treat the same
 * message in different ways, and one for each message would never be let go.
 */
export class Declarations {
  readonly #host: ChannelHost
  readonly #defaults: (name: string, pattern: Pattern) => ChannelDefaults
  readonly #declared = new Map<string, Declared>()

  constructor(host: ChannelHost, defaults: (name: string, pattern: Pattern) => ChannelDefaults) {
    this.#host = host
    this.#defaults = defaults
  }

  get channels(): readonly AnyChannel[] {
    return [...this.#declared.values()].map(({ channel }) => channel)
  }

  /**
   * The handle that is there, when nothing else is asked for than it has.
   * @throws INVALID_ARGUMENT, UNSUPPORTED, CONFLICT
   */
  declare(pattern: Pattern, name: string, options: Options): AnyChannel {
    const plan = this.#plan(pattern, name, options)
    const { driver } = this.#host.connection
    const row = contractRow(plan.spec)
    if (!driver.contracts[row]) throw unsupportedPattern(driver, row, name)
    const key = `${pattern} ${name} ${plan.codec.name}`
    const known = this.#declared.get(key)
    if (known) {
      const given = Object.entries(options).filter(([, value]) => value !== undefined)
      const { onFailure, ...declared } = known.options
      const rest = options.order === 'none' || onFailure === undefined ? {} : { onFailure }
      const wish: Options = { ...declared, ...rest, ...Object.fromEntries(given) }
      checkSame(known.plan, this.#plan(pattern, name, wish))
      return known.channel
    }
    const channel: AnyChannel = new BusChannel(this.#host, plan)
    this.#declared.set(key, { options: { ...options }, plan, channel })
    return channel
  }

  #plan(pattern: Pattern, name: string, options: Options): ChannelPlan {
    const isMixed = this.#host.connection.driver.contracts[pattern]?.counts.crashes === 'mixed'
    const wish = isMixed
      ? { ...options, deliveriesMax: options.deliveriesMax ?? mixedMax }
      : options
    return planChannel(name, pattern, wish, this.#defaults(name, pattern))
  }
}

/** Every option as the plan holds it: a text or a number, but for what is only itself. */
const facts: Readonly<Record<keyof ChannelOptions, (plan: ChannelPlan) => unknown>> = {
  schema: ({ schema }) => schema,
  codec: ({ codec }) => codec,
  payloadBytesMax: ({ spec }) => spec.payloadBytesMax,
  publish: ({ publish }) => `retry ${publish.retry} within ${publish.timeoutMs} ms`,
  inFlightMax: ({ outbox }) => outbox.messagesMax,
  inFlightBytesMax: ({ outbox }) => outbox.bytesMax,
  leaseMs: ({ spec }) => spec.leaseMs,
  attempts: ({ attempts }) => attempts,
  deliveriesMax: ({ deliveriesMax }) => deliveriesMax,
  backoff: ({ backoff }) => `${backoff.delayMsMin} to ${backoff.delayMsMax} ms`,
  retention: ({ spec }) => JSON.stringify(spec.retention),
  dedupe: ({ spec, consumeWindowMs }) => {
    if (spec.dedupeWindowMs !== null) return `publish:${spec.dedupeWindowMs}`
    return consumeWindowMs === null ? 'off' : `consume:${consumeWindowMs}`
  },
  order: ({ order }) => (order === 'block' || order === 'skip' ? 'key' : (order ?? 'as it is')),
  onFailure: ({ order }) => order ?? 'as it is',
  envelope: ({ spec }) => spec.envelope,
  via: ({ spec }) => spec.via,
  strategy: ({ strategy }) => strategy,
}

function checkSame(declared: ChannelPlan, now: ChannelPlan): void {
  const differences = Object.entries(facts).flatMap(([option, of]) => {
    const [was, is] = [of(declared), of(now)]
    return was === is ? [] : [`${option}: ${difference(was, is)}`]
  })
  if (differences.length === 0) return
  const { name } = declared.spec
  throw new NarrowcastError(
    'CONFLICT',
    `channel "${name}" is declared on this bus with other options: ${differences.join('; ')}`,
    {
      channel: name,
      hint: 'Declare it once with all its options, before its first use, and share the handle.',
    },
  )
}

function difference(was: unknown, is: unknown): string {
  if (was === null) return 'declared none, now an object'
  if (typeof was === 'object') return 'declared one object, now another'
  return `declared ${was}, now ${is}`
}
