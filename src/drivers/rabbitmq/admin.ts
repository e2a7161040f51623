import type { Admin, Depth, GroupInfo, PageQuery } from '../../core/admin.ts'
import type { ChannelRef } from '../../core/channel.ts'
import type { QueueFacts } from './client.ts'
import { archiveName, delayNames, homeOf } from './layout.ts'
import { type ManagingOptions, managing } from './managing.ts'
import type { DeadLetters } from './queue/dead.ts'
import { rabbitmqError, replyCodeOf } from './rabbitmqErrors.ts'
import type { Notes } from './stream/notes.ts'

export interface AdminOptions extends ManagingOptions {
  readonly dead: DeadLetters
  readonly notes: Notes
}

const pageMax = 1_000

export function rabbitmqAdmin(options: AdminOptions): Admin {
  const { connection, declarations, dead, notes, checkOpen } = options
  /** Null: there is no such queue. */
  const factsOf = async (queue: string): Promise<QueueFacts | null> => {
    try {
      return await connection.ask('depth', undefined, (channel) => channel.checkQueue(queue))
    } catch (error) {
      if (replyCodeOf(error instanceof Error ? error.cause : null) === 404) return null
      throw error
    }
  }
  const countOf = async (queue: string) => (await factsOf(queue))?.messageCount ?? null
  const depthOf = async ({ name, pattern }: ChannelRef, signal: AbortSignal) => {
    if (!(await declarations.isThere({ name, pattern }))) return null
    const groups = pattern === 'stream' ? await notes.groups(name, signal) : [null]
    const queues = groups.map((group) => homeOf(name, group).queue)
    const waiting = await Promise.all(queues.map(countOf))
    const delayed = await Promise.all(queues.flatMap(delayNames).map(countOf))
    const depth: Depth = {
      waiting: Math.max(0, ...waiting.map((one) => one ?? 0)),
      inFlight: 'unknown',
      scheduled: delayed.reduce<number>((sum, one) => sum + (one ?? 0), 0),
      dead: await dead.count(name, signal),
      stored: pattern === 'stream' ? ((await countOf(archiveName(name))) ?? 0) : 'unknown',
      ...{ in: 'unknown', out: 'unknown', oldestMs: 'unknown' },
      ...{ paused: false, order: pattern === 'stream' ? null : 'none' },
    }
    return depth
  }
  const groupsOf = async (channel: string, signal: AbortSignal): Promise<GroupInfo[]> => {
    const groups = await notes.groups(channel, signal)
    const found = await Promise.all(
      groups.map(async (group) => ({ group, facts: await factsOf(homeOf(channel, group).queue) })),
    )
    return found.flatMap(({ group, facts }) =>
      facts === null
        ? [] // somebody has removed its queue
        : [
            {
              ...{ group, lag: facts.messageCount, readers: facts.consumerCount },
              ...{ inFlight: 'unknown', oldestMs: 'unknown', position: null, order: 'none' },
            },
          ],
    )
  }
  return {
    ...managing(options),
    async ensure(channel, signal) {
      checkOpen('ensure')
      return await declarations.ensure(channel, signal)
    },
    async depths(channels, signal) {
      checkOpen('depths')
      return await Promise.all(channels.map((channel) => depthOf(channel, signal)))
    },
    async groups({ name }, signal) {
      checkOpen('groups')
      return await groupsOf(name, signal)
    },
    async deadLetters(channel, group, query, signal) {
      checkOpen('deadLetters')
      checkPage(query)
      return await dead.page(channel.name, group, query, signal)
    },
    async redrive(channel, refs, to, signal) {
      checkOpen('redrive')
      const target = to ?? channel
      if (!(await declarations.isThere(target))) {
        const text = `there is no ${target.pattern} "${target.name}"`
        throw rabbitmqError('NOT_FOUND', 'redrive', text, { channel: target.name })
      }
      return await dead.redrive(channel.name, refs, to, signal)
    },
    async removeDead(channel, refs, signal) {
      checkOpen('removeDead')
      return await dead.remove(channel.name, refs, signal)
    },
  }
}

/** @throws INVALID_ARGUMENT */
function checkPage({ limit }: PageQuery): void {
  if (Number.isInteger(limit) && limit >= 1 && limit <= pageMax) return
  throw rabbitmqError('INVALID_ARGUMENT', 'page', `limit is ${limit}; expected 1 to ${pageMax}`)
}
