import type { Contracts } from './core/contract.ts'
import type { Driver } from './core/driver.ts'
import { NarrowcastError } from './core/errors.ts'
import { type BrokerUrl, parseBrokerUrl, parseDurationMs, redactUrl } from './core/url.ts'
import { drivers } from './drivers/registry.ts'
import type { Bus } from './runtime/api.ts'
import { type BusOptions, createBus } from './runtime/bus.ts'
import { channelDefaultsOf, channelWords, meantFor } from './runtime/channelWords.ts'
import { onlyKnown } from './runtime/checks.ts'
import type { ChannelDefaults, Config } from './runtime/config.ts'
import type { TracingOptions } from './runtime/middleware/openTelemetry.ts'
import { findProjectFile, loadProjectFile } from './runtime/projectFile.ts'
import { abortedError, textOf } from './runtime/thrown.ts'

export interface ConnectOptions {
  /** Reads the project file: true looks for it from the working directory upwards. */
  config?: boolean | Config
  /** Label of the worker ids. @default 'worker' */
  name?: string
  /**
   * Tells on the broadcast channel `narrowcast.telemetry`, once a second while something happens,
   * what this process has come to: counts and times, never message data. @default true
   */
  telemetry?: boolean
  /** Ends a worker that the broadcast channel `narrowcast.control` says is to end. @default false */
  control?: boolean
  /**
   * Spans and metrics of OpenTelemetry for all that is published and worked on, by its messaging
   * conventions; the package `@opentelemetry/api` must be installed. @default false
   */
  tracing?: boolean | TracingOptions
  /** Ends the first connect. */
  signal?: AbortSignal
}

/** What the driver of a literal URL offers; of a URL that is known only at run time, everything. */
export type ContractsOf<U extends string> = U extends `${infer Scheme}:${string}`
  ? Scheme extends keyof typeof drivers
    ? ReturnType<Awaited<ReturnType<(typeof drivers)[Scheme]>>['fromUrl']> extends Driver<infer C>
      ? C
      : never
    : Contracts
  : Contracts

const connectMsDefault = 10_000
const known: readonly (keyof ConnectOptions)[] = [
  'config',
  'name',
  'telemetry',
  'control',
  'tracing',
  'signal',
]

/**
 * Opens the broker that a URL names, or a driver made by hand. Reconnects by itself from then on.
 * @throws INVALID_ARGUMENT, INVALID_CONFIG, CONNECT_FAILED, LOGIN_REFUSED, STORE_UNUSABLE,
 * CLIENT_MISSING, UNAVAILABLE, TIMEOUT after the URL option `timeout` (10 s); ABORTED when `signal`
 * fires, with its reason as the cause.
 */
export function connect<const U extends string>(
  url: U,
  options?: ConnectOptions,
): Promise<Bus<ContractsOf<U>>>
export function connect<C extends Contracts>(
  driver: Driver<C>,
  options?: ConnectOptions,
): Promise<Bus<C>>
export function connect(target: string | Driver, options?: ConnectOptions): Promise<Bus>
export async function connect(target: string | Driver, options: ConnectOptions = {}): Promise<Bus> {
  onlyKnown('connect', options, known)
  const { signal } = options
  if (signal?.aborted) throw connectAborted(signal)
  try {
    if (typeof target === 'string') return await connectTo(target, options)
    return await createBus(checkDriver(target), await busOptions(options, {}))
  } catch (error) {
    throw signal?.aborted ? connectAborted(signal, error) : error
  }
}

async function connectTo(target: string, options: ConnectOptions): Promise<Bus> {
  const { url, words, timeoutMs } = takeCommonOptions(parseBrokerUrl(target))
  const fromUrl = channelDefaultsOf(`URL ${redactUrl(target)}`, words)
  const limit = AbortSignal.timeout(timeoutMs)
  const signal = options.signal ? AbortSignal.any([options.signal, limit]) : limit
  try {
    return await createBus(await driverOf(url), {
      ...(await busOptions(options, fromUrl)),
      signal,
    })
  } catch (cause) {
    if (!limit.aborted) throw cause
    const why = cause instanceof NarrowcastError ? cause : null
    throw new NarrowcastError(
      'TIMEOUT',
      `${url.scheme}: ${redactUrl(target)} did not answer in ${timeoutMs} ms${why ? `: ${why.message}` : ''}`,
      { definite: true, operation: 'connect', cause, ...(why?.hint ? { hint: why.hint } : {}) },
    )
  }
}

async function busOptions(
  { config, name, signal, telemetry = true, control = false, tracing = false }: ConnectOptions,
  fromUrl: ChannelDefaults,
): Promise<BusOptions> {
  const project = await projectConfig(config ?? false)
  return {
    ...(name === undefined ? {} : { name }),
    ...(signal ? { signal } : {}),
    telemetry,
    control,
    ...(await tracingOf(tracing)),
    channelDefaults: (channel, pattern) => ({
      ...meantFor(pattern, fromUrl),
      ...ofProject(project, channel),
    }),
  }
}

async function tracingOf(wish: boolean | TracingOptions): Promise<Pick<BusOptions, 'tracing'>> {
  if (wish === false) return {}
  const { openTelemetry } = await import('./runtime/middleware/openTelemetry.ts')
  return { tracing: openTelemetry(wish === true ? {} : wish) }
}

function checkDriver(target: Driver): Driver {
  if (typeof target?.open === 'function') return target
  throw new NarrowcastError(
    'INVALID_ARGUMENT',
    `connect: got ${textOf(target)}; expected a URL or a driver`,
    { operation: 'connect', hint: "For example connect('file:./store') or connect(memory())." },
  )
}

function connectAborted(signal: AbortSignal, error?: unknown): NarrowcastError {
  const hint = error instanceof NarrowcastError && error.hint !== null ? { hint: error.hint } : {}
  return abortedError('connect', signal, { operation: 'connect', definite: true, ...hint })
}

async function projectConfig(wish: boolean | Config): Promise<Config> {
  if (typeof wish === 'object') return wish
  const path = wish ? findProjectFile(process.cwd()) : null
  return path ? loadProjectFile(path, process.env) : {}
}

function ofProject(config: Config, channel: string): ChannelDefaults {
  return channelDefaultsOf(`project file: channels.${channel}`, config.channels?.[channel] ?? {})
}

/** The options that mean the same on every backend; what is left is the driver's own. */
function takeCommonOptions(url: BrokerUrl) {
  const own = new Map(url.options)
  const words: Record<string, string> = {}
  for (const word of channelWords) {
    const value = own.get(word)
    if (value !== undefined) words[word] = value
    own.delete(word)
  }
  const timeout = own.get('timeout')
  own.delete('timeout')
  const timeoutMs =
    timeout === undefined ? connectMsDefault : parseDurationMs('URL option timeout', timeout)
  return { url: { ...url, options: own }, words, timeoutMs }
}

async function driverOf(url: BrokerUrl): Promise<Driver> {
  const load = Object.entries(drivers).find(([scheme]) => scheme === url.scheme)?.[1]
  if (load) return (await load()).fromUrl(url)
  throw new NarrowcastError(
    'INVALID_CONFIG',
    `URL ${redactUrl(url.text)}: no driver for the scheme ${url.scheme}:`,
    {
      hint: `Known are ${Object.keys(drivers)
        .map((scheme) => `${scheme}:`)
        .join(', ')}`,
    },
  )
}
