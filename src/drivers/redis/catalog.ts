import { type ChannelRef, type ChannelSpec, checkName } from '../../core/channel.ts'
import { isLive, type Pattern } from '../../core/message.ts'
import type { EngineName } from './engine.ts'
import { catalogKey } from './keys.ts'
import { redisError } from './redisErrors.ts'
import { Script } from './script.ts'
import type { Home, Servers } from './servers.ts'

/** What was declared of a channel when it was made, in this form on the server. */
export interface Declaration {
  readonly pattern: Pattern
  /** Null: it keeps nothing. */
  readonly engine: EngineName | null
  readonly dedupeWindowMs: number | null
  readonly retention: ChannelSpec['retention']
  /** False: what is sent there from elsewhere goes as the data alone too. @default true */
  readonly envelope?: false
}

export interface Difference {
  readonly name: string
  readonly wanted: string
  readonly found: string
}

/** At maxmemory too: who cannot open a channel cannot drain it. */
const declaring = new Script(`#!lua flags=allow-oom
return redis.call('HSETNX', KEYS[1], unpack(ARGV))
`)

/** The declarations of all channels: one hash of the server, read by every process. */
export class Catalog {
  readonly #servers: Servers

  constructor(servers: Servers) {
    this.#servers = servers
  }

  /**
   * The channel's, made like this where there was none. Who was first decides.
   * @throws CONFLICT, and nothing was made, where its key holds something else
   */
  async declare(ref: ChannelRef, wanted: Declaration): Promise<[Declaration, 'created' | 'found']> {
    const { name } = ref
    checkName('channel', name)
    const known = await this.find(name)
    if (known !== null) return [known, 'found']
    await this.checkKey(ref, wanted)
    const args = [name, JSON.stringify(wanted)]
    const isMade = await this.#home.run<number>(declaring, [catalogKey], args, 'declare')
    if (isMade === 1) return [wanted, 'created']
    return [(await this.find(name)) ?? wanted, 'found']
  }

  /** @throws CONFLICT where the key of the channel holds something else */
  async checkKey({ name, pattern }: ChannelRef, { engine }: Declaration): Promise<void> {
    if (engine === null) return
    const type = await this.#servers.home(name).send<string>(['TYPE', name], 'open')
    if (type === 'none' || type === engine) return
    const hint =
      pattern === 'queue' && type === 'stream'
        ? 'Say in the URL that queues are streams: ?queue=stream.'
        : 'Use another name.'
    const text = `the key "${name}" holds a ${type}; a ${pattern} is kept as a ${engine}`
    throw redisError('CONFLICT', 'open', text, { channel: name, hint })
  }

  async find(channel: string): Promise<Declaration | null> {
    const text = await this.#home.send<string | null>(['HGET', catalogKey, channel], 'find')
    return text === null ? null : readDeclaration(channel, text)
  }

  /** Of every channel whose name begins so, in the order of the names; null: nobody can read it. */
  async list(prefix: string): Promise<[string, Declaration | null][]> {
    const all = await this.#home.send<Record<string, string>>(['HGETALL', catalogKey], 'list')
    return Object.entries(all)
      .filter(([name]) => name.startsWith(prefix))
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, text]) => [name, declarationIn(text)])
  }

  async remove(channel: string): Promise<void> {
    await this.#home.send(['HDEL', catalogKey, channel], 'remove')
  }

  get #home(): Home {
    return this.#servers.home(catalogKey)
  }
}

/** @throws STORE_UNUSABLE */
function readDeclaration(channel: string, text: string): Declaration {
  const declaration = declarationIn(text)
  if (declaration !== null) return declaration
  const what = `the entry of "${channel}" in ${catalogKey} is no declaration`
  const hint = `Look at it: HGET ${catalogKey} ${channel}\nTo drop it: HDEL ${catalogKey} ${channel}`
  throw redisError('STORE_UNUSABLE', 'find', what, { channel, hint })
}

function declarationIn(text: string): Declaration | null {
  try {
    const found = JSON.parse(text) as Partial<Declaration> | null
    return found?.pattern && found.retention ? (found as Declaration) : null
  } catch {
    return null // no JSON: it is as unreadable as any other
  }
}

/** @throws CONFLICT for another pattern. */
export function checkPattern(
  operation: string,
  { name, pattern }: ChannelRef,
  found: Declaration,
): void {
  if (found.pattern === pattern) return
  throw redisError(
    'CONFLICT',
    operation,
    `channel "${name}" is a ${found.pattern}, wanted a ${pattern}`,
    { channel: name, hint: 'Use another name.' },
  )
}

/** Every declared value that differs from what is wanted. */
export function differences(found: Declaration, wanted: Declaration): Difference[] {
  const shown = (value: number | string | null, unit = '') =>
    value === null ? 'off' : `${value}${unit}`
  // Of another pattern it is another one anyway.
  const isAlike = found.pattern === wanted.pattern
  const pairs: [string, string, string][] = [
    ['pattern', wanted.pattern, found.pattern],
    ['engine', shown(wanted.engine), shown(isAlike ? found.engine : wanted.engine)],
    ['retention.ageMs', shown(wanted.retention.ageMs, ' ms'), shown(found.retention.ageMs, ' ms')],
    ['retention.messages', shown(wanted.retention.messages), shown(found.retention.messages)],
    ['retention.bytes', shown(wanted.retention.bytes), shown(found.retention.bytes)],
    ['dedupeWindowMs', shown(wanted.dedupeWindowMs, ' ms'), shown(found.dedupeWindowMs, ' ms')],
  ]
  return pairs.flatMap(([name, want, have]) =>
    want === have ? [] : [{ name, wanted: want, found: have }],
  )
}

export function declarationOf(spec: ChannelSpec, queues: EngineName): Declaration {
  const { pattern, dedupeWindowMs, retention, envelope } = spec
  const engine = isLive(pattern) ? null : pattern === 'stream' ? 'stream' : queues
  return { pattern, engine, dedupeWindowMs, retention, ...(!envelope && { envelope }) }
}
