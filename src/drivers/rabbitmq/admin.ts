import type { Admin, Depth, PageQuery } from '../../core/admin.ts'
import type { ChannelRef } from '../../core/channel.ts'
import type { Connection } from './connection.ts'
import type { Declarations } from './declarations.ts'
import { delayNames } from './layout.ts'
import type { DeadLetters } from './queue/dead.ts'
import { rabbitmqError, replyCodeOf } from './rabbitmqErrors.ts'

export interface AdminOptions {
  readonly connection: Connection
  readonly declarations: Declarations
  readonly dead: DeadLetters
  readonly checkOpen: (operation: string) => void
}

const pageMax = 1_000

export function rabbitmqAdmin({ connection, declarations, dead, checkOpen }: AdminOptions): Admin {
  /** Null: there is no such queue. */
  const countOf = async (queue: string): Promise<number | null> => {
    try {
      const asked = await connection.ask('depth', undefined, (channel) => channel.checkQueue(queue))
      return asked.messageCount
    } catch (error) {
      if (replyCodeOf(error instanceof Error ? error.cause : null) === 404) return null
      throw error
    }
  }
  const depthOf = async ({ name, pattern }: ChannelRef, signal: AbortSignal) => {
    const waiting = pattern === 'queue' ? await countOf(name) : null
    if (waiting === null) return null
    const delayed = await Promise.all(delayNames(name).map(countOf))
    const depth: Depth = {
      waiting,
      inFlight: 'unknown',
      scheduled: delayed.reduce<number>((sum, one) => sum + (one ?? 0), 0),
      dead: await dead.count(name, signal),
      ...{ stored: 'unknown', in: 'unknown', out: 'unknown', oldestMs: 'unknown' },
      ...{ paused: false, order: 'none' },
    }
    return depth
  }
  return {
    async ensure(channel, signal) {
      checkOpen('ensure')
      return await declarations.ensure(channel, signal)
    },
    async depths(channels, signal) {
      checkOpen('depths')
      return await Promise.all(channels.map((channel) => depthOf(channel, signal)))
    },
    async deadLetters(channel, _group, query, signal) {
      checkOpen('deadLetters')
      checkPage(query)
      return await dead.page(channel.name, query, signal)
    },
    async redrive(channel, refs, to, signal) {
      checkOpen('redrive')
      const target = to?.name ?? channel.name
      if (!(await declarations.isThere(target))) {
        const text = `there is no queue "${target}"`
        throw rabbitmqError('NOT_FOUND', 'redrive', text, { channel: target })
      }
      return await dead.redrive(channel.name, refs, target, signal)
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
