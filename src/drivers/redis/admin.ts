import type { Admin, Page, PageQuery, Stored } from '../../core/admin.ts'
import type { ChannelRef, ChannelSpec } from '../../core/channel.ts'
import type { Publisher } from '../../core/driver.ts'
import {
  type IncomingMessage,
  isLive,
  type Pattern,
  type PublishOutcome,
  redriven,
} from '../../core/message.ts'
import { checkPattern, type Declaration, declarationOf, differences } from './catalog.ts'
import type { Engine, EngineAdmin, EngineName } from './engine.ts'
import type { RedisLive } from './live/index.ts'
import { redisError } from './redisErrors.ts'
import type { Context } from './session.ts'

export interface AdminOptions {
  readonly context: Context
  readonly queues: EngineName
  readonly engineOf: (declaration: Declaration) => Engine
  readonly publisher: (channel: ChannelSpec, signal: AbortSignal) => Promise<Publisher>
  readonly live: Pick<RedisLive, 'remove'>
  /** What the session remembers of a channel that is removed. */
  readonly forget: (channel: string) => void
}

const pageMax = 1_000

/** What can be asked of a channel goes to the engine that keeps it. */
export function redisAdmin(options: AdminOptions): Admin {
  return { ...declaring(options), ...asking(options), ...changing(options) }
}

function declaring({ context: { catalog, checkOpen }, queues, forget }: AdminOptions) {
  return {
    async ensure(spec) {
      checkOpen('ensure')
      const wanted = declarationOf(spec, queues)
      if (wanted.engine === null) checkKeepsNothing(spec)
      const [found, how] = await catalog.declare(spec, wanted)
      if (how === 'created') {
        forget(spec.name)
        return { state: 'created' as const }
      }
      const what = differences(found, wanted)
      return what.length > 0 ? { state: 'differs' as const, what } : { state: 'same' as const }
    },
    async channels({ cursor, limit, newestFirst, prefix }) {
      checkOpen('channels')
      checkLimit(limit)
      const all = await catalog.list(prefix)
      if (newestFirst) all.reverse()
      const isAfter = (name: string) =>
        newestFirst ? name < (cursor as string) : name > (cursor as string)
      const rest = cursor === null ? all : all.filter(([name]) => isAfter(name))
      // What nobody can read says so when it is asked for.
      const items = rest
        .slice(0, limit)
        .map(([name, declared]) => ({ name, pattern: declared?.pattern ?? 'queue' }))
      return { items, cursor: rest.length > limit ? (items.at(-1)?.name ?? null) : null }
    },
  } satisfies Partial<Admin>
}

function asking(options: AdminOptions) {
  const known = finder(options)
  return {
    async depths(refs, signal) {
      return await Promise.all(
        refs.map(async (ref) => {
          const found = await known.declared(ref, 'depths')
          if (found === null || found.engine === null || found.pattern !== ref.pattern) return null
          return await options.engineOf(found).admin.depth(ref, signal)
        }),
      )
    },
    groups: async (ref, signal) => (await known.kept(ref, 'groups')).groups(ref, signal),
    async peek(ref, query, signal): Promise<Page<Stored>> {
      checkLimit(query.limit)
      return (await known.kept(ref, 'peek')).peek(ref, query, signal)
    },
    message: async (ref, id, signal) => (await known.kept(ref, 'message')).message(ref, id, signal),
    async deadLetters(
      ref: ChannelRef,
      group: string | null,
      query: PageQuery,
      signal: AbortSignal,
    ) {
      checkLimit(query.limit)
      return (await known.kept(ref, 'deadLetters')).deadLetters(ref, group, query, signal)
    },
  } satisfies Partial<Admin>
}

function changing(options: AdminOptions) {
  const { context, forget } = options
  const known = finder(options)
  return {
    async redrive(ref, refs, to, signal) {
      const from = await known.kept(ref, 'redrive')
      if (to === null) return await from.revive(ref, refs, signal)
      const target = await known.of(to, 'redrive')
      const spec = specOf(to, target)
      const publisher = await options.publisher(spec, signal)
      try {
        return await redriveTo(from, ref, refs, { spec, publisher }, signal)
      } finally {
        await publisher[Symbol.asyncDispose]()
      }
    },
    removeDead: async (ref, refs, signal) =>
      (await known.kept(ref, 'removeDead')).removeDead(ref, refs, signal),
    pause: async (ref, paused, signal) =>
      (await known.kept(ref, 'pause')).pause(ref, paused, signal),
    seek: async (ref, group, to, signal) =>
      (await known.kept(ref, 'seek')).seek(ref, group, to, signal),
    async purge(ref, signal) {
      const found = await known.of(ref, 'purge')
      return found.engine === null ? 0 : await options.engineOf(found).admin.purge(ref, signal)
    },
    async remove(ref, signal) {
      const found = await known.of(ref, 'remove')
      if (found.engine === null) await options.live.remove(ref)
      else await options.engineOf(found).admin.removeKeys(ref, signal)
      await context.catalog.remove(ref.name)
      forget(ref.name)
    },
    removeGroup: async (ref, group, signal) =>
      (await known.kept(ref, 'removeGroup')).removeGroup(ref, group, signal),
    removeMessage: async (ref, id, signal) =>
      (await known.kept(ref, 'removeMessage')).removeMessage(ref, id, signal),
  } satisfies Partial<Admin>
}

/** Published first, then removed: a crash between repeats, never loses. */
async function redriveTo(
  from: EngineAdmin,
  ref: ChannelRef,
  refs: readonly string[],
  to: { readonly spec: ChannelSpec; readonly publisher: Publisher },
  signal: AbortSignal,
): Promise<PublishOutcome[]> {
  const letters = await from.dead(ref, [...new Set(refs)], signal)
  const byRef = new Map<string, PublishOutcome | undefined>()
  const sent = letters.flatMap((letter) => {
    const refused = letter && aroundFault(letter.message, to.spec)
    if (letter && refused) byRef.set(letter.ref, refused)
    return letter === null || refused ? [] : [letter]
  })
  const messages = sent.map(({ message, letter }) => redriven(message, letter.redrives))
  const outcomes = sent.length === 0 ? [] : await to.publisher.publish(messages, signal)
  const stored = sent.filter((_, at) => outcomes[at]?.state === 'stored').map((one) => one.ref)
  if (stored.length > 0) await from.removeDead(ref, stored, signal)
  sent.forEach((one, at) => {
    byRef.set(one.ref, outcomes[at])
  })
  return refs.map((one) => {
    const outcome = byRef.get(one)
    byRef.delete(one) // named twice, it is gone by then
    return outcome ?? gone(ref, one)
  })
}

/** Trace context, which no publish there writes either. */
const traceHeaders: readonly string[] = ['traceparent', 'tracestate']

/** As a publish there refuses it: what its publisher has said would be lost. */
function aroundFault(
  { id, key, headers }: IncomingMessage,
  { name, envelope }: ChannelSpec,
): PublishOutcome | null {
  const header = Object.keys(headers).find((one) => !traceHeaders.includes(one))
  if (envelope || (key === null && header === undefined)) return null
  const what = key === null ? 'headers' : 'its key'
  return {
    state: 'refused',
    code: 'INVALID_ARGUMENT',
    message: `redis: redrive: message ${id} would lose ${what} in "${name}", which was made with envelope: false and takes the data alone`,
    hint: 'Send it to a channel that takes CloudEvents.',
  }
}

export function gone({ name }: ChannelRef, ref: string): PublishOutcome {
  return {
    state: 'refused',
    code: 'NOT_FOUND',
    message: `redis: redrive: "${name}" has no dead letter ${JSON.stringify(ref)}`,
  }
}

function finder({ context: { catalog, home, checkOpen }, engineOf }: AdminOptions) {
  /** As declared, or as the key is that another program has made. */
  const declared = async (ref: ChannelRef, operation: string): Promise<Declaration | null> => {
    checkOpen(operation)
    const found = await catalog.find(ref.name)
    if (found !== null || isLive(ref.pattern)) return found
    const type = await home(ref.name).send<string>(['TYPE', ref.name], operation)
    const isIts = type === 'stream' || (type === 'list' && ref.pattern === 'queue')
    if (!isIts) return null
    return { ...nothingDeclared, pattern: ref.pattern, engine: type }
  }
  const of = async (ref: ChannelRef, operation: string): Promise<Declaration> => {
    const found = await declared(ref, operation)
    if (found === null) {
      const text = `there is no channel "${ref.name}"`
      throw redisError('NOT_FOUND', operation, text, { channel: ref.name })
    }
    checkPattern(operation, ref, found)
    return found
  }
  const kept = async (ref: ChannelRef, operation: string): Promise<EngineAdmin> => {
    const found = await of(ref, operation)
    if (found.engine !== null) return engineOf(found).admin
    const text = `${ref.pattern} "${ref.name}" keeps no messages: this is for queues and streams`
    throw redisError('UNSUPPORTED', operation, text, { channel: ref.name })
  }
  return { declared, of, kept }
}

const nothingDeclared = {
  dedupeWindowMs: null,
  retention: { ageMs: null, messages: null, bytes: null },
} as const

function specOf({ name, pattern }: ChannelRef, found: Declaration): ChannelSpec {
  const { dedupeWindowMs, retention, envelope = true } = found
  const own = { name, pattern, dedupeWindowMs, retention, envelope }
  return { ...own, via: 'direct', leaseMs: 30_000, payloadBytesMax: Number.MAX_SAFE_INTEGER }
}

/** @throws UNSUPPORTED */
function checkKeepsNothing({ name, pattern, retention, dedupeWindowMs }: ChannelSpec): void {
  const { ageMs, messages, bytes } = retention
  if ((ageMs ?? messages ?? bytes ?? dedupeWindowMs) === null) return
  const text = `${pattern as Pattern} "${name}" keeps no messages: it has neither retention nor a dedupe window`
  throw redisError('UNSUPPORTED', 'ensure', text, { channel: name })
}

/** @throws INVALID_ARGUMENT */
function checkLimit(limit: number): void {
  if (Number.isInteger(limit) && limit >= 1 && limit <= pageMax) return
  const text = `page limit ${limit}; expected a whole number from 1 to ${pageMax}`
  throw redisError('INVALID_ARGUMENT', 'page', text)
}
