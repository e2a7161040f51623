import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { ChannelRef } from '../core/channel.ts'
import type { Contract } from '../core/contract.ts'
import { NarrowcastError } from '../core/errors.ts'
import type { Pattern } from '../core/message.ts'
import { type BrokerUrl, parseBrokerUrl, redactUrl } from '../core/url.ts'
import { nearest } from '../drivers/_shared/nearest.ts'
import type { Bus, Channel, ChannelOptions } from '../runtime/api.ts'
import { channelWords } from '../runtime/channelWords.ts'
import { loadSettings, type Settings } from './config/settings.ts'
import { type ConnectionWatch, watchOutage } from './connectionWatch.ts'
import { originOf } from './contexts/selected.ts'
import type { Invocation } from './invocation.ts'
import { withLimits } from './limits.ts'
import { shellWord } from './output/shellWord.ts'
import { storeFolder } from './storeFolder.ts'

/** A connected backend, with the settings that named it. */
export interface Connected extends AsyncDisposable {
  readonly bus: Bus
  readonly settings: Settings
  /** As given, with its password; show `shownUrl`. */
  readonly url: string
  readonly shownUrl: string
}

export interface ConnectWish {
  /** It only looks: a store that is not there is not made. */
  readonly look: boolean
  /** It works for long, and tells others of it. @default false: looking leaves nothing behind */
  readonly telemetry?: boolean
  /** Says what the broker warns of. @default true */
  readonly warns?: boolean
  /** Says when the connection is lost, and when it is back. @default true */
  readonly outages?: boolean
}

/**
 * Connects to the backend of the settings.
 * @throws UNSUPPORTED for memory:, which no second process can reach; NOT_FOUND for a store that
 * is not there; CONNECT_FAILED, TIMEOUT …
 */
export async function connectTo(
  invocation: Invocation,
  { look, telemetry = false, warns = true, outages = true }: ConnectWish,
): Promise<Connected> {
  const settings = await loadSettings(invocation)
  const { origin } = settings.url
  const text = await wholeUrl(invocation, settings)
  const url = parseBrokerUrl(text)
  const shownUrl = redactUrl(text)
  refuseMemory(url, invocation.command)
  if (look) checkStoreExists(url, shownUrl)
  invocation.output.detail(`connecting to ${shownUrl} (${origin})`)
  const { connect } = await import('../connect.ts')
  const limit = AbortSignal.timeout(invocation.timeoutMs)
  const wish = { config: settings.config, signal: limit, telemetry }
  const bus = await connect(text, wish).catch((error) => {
    throw limit.aborted ? noAnswer(shownUrl, invocation.timeoutMs, error) : error
  })
  if (warns) for (const warning of bus.info.warnings) invocation.output.warn(warning)
  const watch = outages ? watched(invocation, bus) : null
  return {
    bus: { ...bus, admin: withLimits(bus.admin, bus.driver, invocation.timeoutMs) },
    settings,
    url: text,
    shownUrl,
    async [Symbol.asyncDispose]() {
      watch?.stop()
      await bus.close({ timeoutMs: 5_000 })
    },
  }
}

/** A line of progress that stands on a terminal is taken away first. */
function watched({ clock, live, output }: Invocation, bus: Bus): ConnectionWatch {
  return watchOutage(bus, clock, (colour, line) => {
    const clear = live ? '\r\x1b[2K' : ''
    output.stderr.write(`${clear}${output.lookOfStderr.paint(colour, line)}\n`)
  })
}

/** The URL with its password, where the context knows a command that prints it. */
async function wholeUrl(
  { timeoutMs }: Invocation,
  { url: { value, origin }, context }: Settings,
): Promise<string> {
  const command = context?.context.passwordCommand
  // To the context's own URL alone: another one that was given must not be told its password.
  if (!context || command === undefined || origin !== originOf(context)) return value
  const { withPassword } = await import('./contexts/password.ts')
  return withPassword(value, command, { context: context.name, timeoutMs })
}

function noAnswer(url: string, timeoutMs: number, cause: unknown): NarrowcastError {
  const known = cause instanceof NarrowcastError && cause.hint !== null ? [cause.hint] : []
  return new NarrowcastError('TIMEOUT', `${url} did not answer in ${timeoutMs} ms`, {
    definite: true,
    hint: [...known, 'Details: narrowcast doctor', 'More time: --timeout 30s'].join('\n'),
    cause,
  })
}

function refuseMemory(url: BrokerUrl, command: string): void {
  if (url.scheme !== 'memory') return
  throw new NarrowcastError(
    'UNSUPPORTED',
    `memory: lives and ends with one process; ${command} would find it empty`,
    { driver: 'memory', hint: 'Use a store that processes share: -u file:./.narrowcast/store' },
  )
}

const optionsKnown: readonly string[] = [...channelWords, 'timeout', 'sync']

/** Looking must not make a store: a typing error in a path would else look like an empty one. */
function checkStoreExists(url: BrokerUrl, shown: string): void {
  // A wrong option is told by the driver, before it makes anything.
  const isKnown = (name: string) => optionsKnown.includes(name)
  const folder = storeFolder(url)
  if (folder === null || ![...url.options.keys()].every(isKnown)) return
  const found = statSync(folder, { throwIfNoEntry: false })
  // A file where the folder should be is told by the driver too.
  if (found && (!found.isDirectory() || existsSync(join(folder, 'store.db')))) return
  throw new NarrowcastError('NOT_FOUND', `there is no store at ${shown}`, {
    hint: `The first message makes it: narrowcast publish hello '{"n":1}'`,
  })
}

/** What the command line and the project file say of a channel's pattern. */
export function wishedPattern(
  { flags }: Invocation,
  { config }: Settings,
  channel: string,
): Pattern | null {
  return (
    (flags.text('pattern') as Pattern | undefined) ?? config.channels?.[channel]?.pattern ?? null
  )
}

/**
 * The channel of that name, as the broker knows it.
 * @throws NOT_FOUND with a suggestion; CONFLICT where `--pattern` says another pattern.
 */
export async function existingChannel(
  invocation: Invocation,
  { bus, shownUrl }: Connected,
  name: string,
): Promise<ChannelRef> {
  const found = await bus.admin.find(name)
  if (!found) throw await noChannel(bus, name, shownUrl)
  const asked = invocation.flags.text('pattern')
  if (asked === undefined || asked === found.pattern) return found
  throw new NarrowcastError(
    'CONFLICT',
    `channel "${name}" is a ${found.pattern}, --pattern says ${asked}`,
    { channel: name },
  )
}

async function noChannel(bus: Bus, name: string, url: string): Promise<NarrowcastError> {
  const names = await namesOf(bus)
  const hint = (await howToDeclare(bus, name)) ?? howToFind(name, names)
  const text = `there is no channel "${name}" on ${url}`
  return new NarrowcastError('NOT_FOUND', text, { channel: name, hint })
}

/** Null where the backend has no list of them. */
export async function namesOf({ admin }: Bus): Promise<string[] | null> {
  const query = { prefix: '', cursor: null, limit: 1_000, newestFirst: false }
  try {
    return (await admin.channels(query)).items.map((item) => item.name)
  } catch (error) {
    if (error instanceof NarrowcastError && error.code === 'UNSUPPORTED') return null
    throw error
  }
}

function howToFind(name: string, names: readonly string[] | null): string {
  if (names === null) return `To make it: narrowcast channels create ${shellWord(name)}`
  const near = nearest(name, names)
  return near ? `Did you mean ${near}?` : 'narrowcast channels ls lists all'
}

/** What is counted though nobody has declared it was made by another program. */
async function howToDeclare(bus: Bus, name: string): Promise<string | null> {
  const patterns = (['stream', 'queue'] as const).filter(
    (pattern) => (bus.contracts[pattern]?.depth ?? 'no') !== 'no',
  )
  if (patterns.length === 0) return null
  const depths = await bus.admin.depths(patterns.map((pattern) => ({ name, pattern })))
  const pattern = patterns.find((_, at) => depths[at])
  if (!pattern) return null
  const create = `narrowcast channels create ${shellWord(name)} --pattern ${pattern}`
  return `Another program has made a ${pattern} of this name. To make it a channel:\n${create}`
}

/** A channel that is made when it is first opened, and not before. */
export interface ChannelToOpen<T> {
  readonly channel: Channel<T>
  readonly isNew: boolean
  /** Once, however often it is called. @returns what holds there */
  open(): Promise<Contract>
}

/**
 * A channel to publish or work. One that nobody knows becomes a queue, or what --pattern or the
 * project file says, and stderr says so.
 */
export async function channelToOpen<T>(
  invocation: Invocation,
  { bus, settings }: Connected,
  name: string,
  options: ChannelOptions<T> = {},
): Promise<ChannelToOpen<T>> {
  const found = await bus.admin.find(name)
  const wished = wishedPattern(invocation, settings, name)
  const channel = bus[wished ?? found?.pattern ?? 'queue']<T>(name, options)
  const open = async () => {
    const contract = await channel.opened()
    if (!found && wished === null) {
      invocation.output.note(
        `channel ${name} is new: made as a queue (--pattern stream makes a stream)`,
      )
    }
    return contract
  }
  let opened: Promise<Contract> | null = null
  return {
    channel,
    isNew: !found,
    open() {
      opened ??= open()
      return opened
    },
  }
}

/** Opens it at once. What `check` throws leaves no new channel behind. */
export async function openChannel<T>(
  invocation: Invocation,
  connected: Connected,
  name: string,
  options: ChannelOptions<T> = {},
  check: (pattern: Pattern) => void = () => undefined,
): Promise<Channel<T>> {
  const { channel, open } = await channelToOpen(invocation, connected, name, options)
  check(channel.pattern)
  await open()
  return channel
}
