import type { Driver } from './core/driver.ts'
import { NarrowcastError } from './core/errors.ts'
import { type BrokerUrl, parseBrokerUrl, parseDurationMs, redactUrl } from './core/url.ts'
import { drivers } from './drivers/registry.ts'
import type { Bus } from './runtime/api.ts'
import { createBus } from './runtime/bus.ts'
import { channelDefaultsOf, channelWords } from './runtime/channelWords.ts'
import type { ChannelDefaults, Config } from './runtime/config.ts'
import { findProjectFile, loadProjectFile } from './runtime/projectFile.ts'

export interface ConnectOptions {
  /** Reads the project file: true looks for it from the working directory upwards. */
  config?: boolean | Config
  /** Label of the worker ids. @default 'worker' */
  name?: string
  /** Ends the first connect. */
  signal?: AbortSignal
}

const connectMsDefault = 10_000

/**
 * Opens the broker that a URL names, or a driver made by hand. Reconnects by itself from then on.
 * @throws INVALID_CONFIG, CONNECT_FAILED, LOGIN_REFUSED, STORE_UNUSABLE, TIMEOUT
 */
export async function connect(target: string | Driver, options: ConnectOptions = {}): Promise<Bus> {
  const config = await projectConfig(options.config ?? false)
  const name = options.name === undefined ? {} : { name: options.name }
  if (typeof target !== 'string') {
    const channelDefaults = (channel: string) => ofProject(config, channel)
    const signal = options.signal ? { signal: options.signal } : {}
    return createBus(target, { ...name, ...signal, channelDefaults })
  }
  const { url, words, timeoutMs } = takeCommonOptions(parseBrokerUrl(target))
  const fromUrl = channelDefaultsOf(`URL ${redactUrl(target)}`, words)
  const limit = AbortSignal.timeout(timeoutMs)
  try {
    return await createBus(await driverOf(url), {
      ...name,
      channelDefaults: (channel) => ({ ...fromUrl, ...ofProject(config, channel) }),
      signal: options.signal ? AbortSignal.any([options.signal, limit]) : limit,
    })
  } catch (cause) {
    if (!limit.aborted || options.signal?.aborted) throw cause
    throw new NarrowcastError(
      'TIMEOUT',
      `${url.scheme}: ${redactUrl(target)} did not answer in ${timeoutMs} ms`,
      { definite: true, operation: 'connect', cause },
    )
  }
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
