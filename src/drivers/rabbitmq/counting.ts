import type { Admin, Depth, GroupInfo } from '../../core/admin.ts'
import type { ChannelRef } from '../../core/channel.ts'
import { isLive } from '../../core/message.ts'
import type { QueueFacts } from './client.ts'
import { archiveName, delayNames, homeOf } from './layout.ts'
import { type Figures, noFigures } from './management/management.ts'
import type { ManagingOptions } from './managing.ts'
import type { DeadLetters } from './queue/dead.ts'
import { queueFacts } from './queueFacts.ts'
import { checkKept, replyCodeOf } from './rabbitmqErrors.ts'
import type { Notes } from './stream/notes.ts'

export interface CountingOptions extends ManagingOptions {
  readonly dead: DeadLetters
  readonly notes: Notes
}

/** What waits is asked by AMQP, as it is now; what is in hand, of the plugin, as it was. */
export function counting(options: CountingOptions): Pick<Admin, 'depths' | 'groups'> {
  const { connection, declarations, dead, notes, management, checkOpen } = options
  /** Who does not answer costs its figures and nothing else. */
  const figuresOf = async (queues: readonly string[], signal: AbortSignal) => {
    try {
      return (await management?.figures(queues, signal)) ?? null
    } catch {
      signal.throwIfAborted()
      return null
    }
  }
  /** Null: there is no such queue. */
  const factsOf = async (queue: string): Promise<QueueFacts | null> => {
    try {
      return await connection.ask('depth', undefined, (channel) => queueFacts(channel, queue))
    } catch (error) {
      if (replyCodeOf(error instanceof Error ? error.cause : null) === 404) return null
      throw error
    }
  }
  const countOf = async (queue: string) => (await factsOf(queue))?.messageCount ?? null
  const depthOf = async (
    { name, pattern }: ChannelRef,
    figures: ReadonlyMap<string, Figures> | null,
    signal: AbortSignal,
  ) => {
    if (isLive(pattern) || !(await declarations.isThere({ name, pattern }))) return null
    const groups = pattern === 'stream' ? await notes.groups(name, signal) : [null]
    const queues = groups.map((group) => homeOf(name, group).queue)
    const waiting = await Promise.all(queues.map(countOf))
    const delayed = await Promise.all(queues.flatMap(delayNames).map(countOf))
    const { inFlight, rates } = figures?.get(name) ?? noFigures
    const depth: Depth = {
      waiting: Math.max(0, ...waiting.map((one) => one ?? 0)),
      inFlight,
      ...(rates === null ? {} : { rates }),
      scheduled: delayed.reduce<number>((sum, one) => sum + (one ?? 0), 0),
      dead: (await dead.count(name, signal)) ?? 'unknown',
      stored: pattern === 'stream' ? ((await countOf(archiveName(name))) ?? 0) : 'unknown',
      ...{ in: 'unknown', out: 'unknown', oldestMs: 'unknown' },
      ...{ paused: false, order: pattern === 'stream' ? null : 'none' },
    }
    return depth
  }
  const groupsOf = async (channel: string, signal: AbortSignal): Promise<GroupInfo[]> => {
    const groups = await notes.groups(channel, signal)
    const queues = groups.map((group) => homeOf(channel, group).queue)
    const figures = await figuresOf(queues, signal)
    const found = await Promise.all(
      groups.map(async (group) => ({ group, facts: await factsOf(homeOf(channel, group).queue) })),
    )
    return found.flatMap(({ group, facts }) =>
      facts === null
        ? [] // somebody has removed its queue
        : [
            {
              ...{ group, lag: facts.messageCount, readers: facts.consumerCount },
              inFlight: (figures?.get(homeOf(channel, group).queue) ?? noFigures).inFlight,
              ...{ oldestMs: 'unknown', position: null, order: 'none' },
            },
          ],
    )
  }
  return {
    async depths(channels, signal) {
      checkOpen('depths')
      const figures = await figuresOf(
        channels.map(({ name }) => name),
        signal,
      )
      return await Promise.all(channels.map((channel) => depthOf(channel, figures, signal)))
    },
    async groups(channel, signal) {
      checkOpen('groups')
      checkKept('groups', channel)
      return await groupsOf(channel.name, signal)
    },
  }
}
