import type { ChannelRef } from '../../core/channel.ts'
import type { ContractRow } from '../../core/contract.ts'
import { NarrowcastError } from '../../core/errors.ts'
import type { Pattern } from '../../core/message.ts'
import { unsupportedPattern } from '../../runtime/openedChannel.ts'
import { loadSettings } from '../config/settings.ts'
import { type Connected, connectTo, existingChannel, wishedPattern } from '../connection.ts'
import type { Invocation } from '../invocation.ts'

export interface Source extends AsyncDisposable {
  readonly connected: Connected
  readonly channel: ChannelRef
}

export interface SourceWish {
  /** What the command's own file says of the pattern. */
  readonly declared?: Pattern | null
  /** No other pattern will do. */
  readonly only?: Pattern
  /** What must be offered: refused before anything is looked for. */
  readonly row?: ContractRow
  /** See `ConnectWish`. */
  readonly telemetry?: boolean
}

/**
 * Connects to take messages from a channel, and touches nothing: the workers open it. One that is
 * not there yet is only waited for where its pattern was said: by `--pattern`, by the project
 * file, or by `declared`.
 * @throws NOT_FOUND with near names: a typing error must not make a channel, nor a store; CONFLICT
 * for another pattern than `only`.
 */
export async function openSource(
  invocation: Invocation,
  name: string,
  { declared = null, only, row, telemetry = false }: SourceWish = {},
): Promise<Source> {
  const settings = await loadSettings(invocation)
  const pattern = wishedPattern(invocation, settings, name) ?? declared
  const connected = await connectTo(invocation, {
    ...{ look: pattern === null, telemetry },
    outages: false, // the workers, or the feed of a relay, tell of them
  })
  try {
    const { bus } = connected
    if (row && !bus.contracts[row]) throw unsupportedPattern({ name: bus.driver }, row, name)
    const found = await bus.admin.find(name)
    const is = pattern ?? found?.pattern
    if (only !== undefined && is !== undefined && is !== only) {
      throw notOnly(invocation, { name, pattern: is }, only)
    }
    if (found === null && pattern !== null) {
      invocation.output.note(`channel ${name} is new: made as a ${pattern}`)
    } else await existing(invocation, connected, name, only ?? 'queue')
    return {
      connected,
      channel: { name, pattern: is ?? 'queue' },
      [Symbol.asyncDispose]: () => connected[Symbol.asyncDispose](),
    }
  } catch (error) {
    await connected[Symbol.asyncDispose]()
    throw error
  }
}

function notOnly({ command }: Invocation, { name, pattern }: ChannelRef, only: Pattern) {
  const text = `"${name}" is a ${pattern}; ${command} serves a ${only}`
  return new NarrowcastError('CONFLICT', text, { channel: name })
}

async function existing(
  invocation: Invocation,
  connected: Connected,
  name: string,
  example: Pattern,
) {
  try {
    await existingChannel(invocation, connected, name)
  } catch (error) {
    if (!(error instanceof NarrowcastError) || error.code !== 'NOT_FOUND') throw error
    const hint = `${error.hint ?? ''}\nTo wait for one that is to come: --pattern ${example}`.trim()
    throw new NarrowcastError(error.code, error.message, { channel: name, hint })
  }
}
