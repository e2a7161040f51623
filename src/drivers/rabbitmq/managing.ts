import type { Admin } from '../../core/admin.ts'
import type { ChannelRef } from '../../core/channel.ts'
import type { Pattern } from '../../core/message.ts'
import type { Connection } from './connection.ts'
import type { Declarations } from './declarations.ts'
import { namesOf } from './layout.ts'
import type { Locks } from './lock.ts'
import { listing } from './management/listing.ts'
import type { Management } from './management/management.ts'
import { rabbitmqError } from './rabbitmqErrors.ts'

export interface ManagingOptions {
  readonly connection: Connection
  readonly declarations: Declarations
  readonly locks: Locks
  /** Null: the URL names none. */
  readonly management: Management | null
  readonly checkOpen: (operation: string) => void
  /** What the session has open of a channel that is removed ends. */
  readonly removed: (channel: string) => void
}

/** What AMQP lets do to a channel whose name one knows; the names themselves another has. */
export function managing({ connection, declarations, locks, ...of }: ManagingOptions) {
  const { management } = of
  return {
    ...(management === null ? {} : listing(management, of.checkOpen)),
    async find(name) {
      of.checkOpen('find')
      const pattern = await declarations.find(name)
      return isPattern(pattern) ? { name, pattern } : null
    },
    async purge(ref, signal) {
      of.checkOpen('purge')
      checkQueue(ref, 'purge')
      signal.throwIfAborted()
      const { name } = ref
      return (await connection.ask('purge', name, (amqp) => amqp.purgeQueue(name))).messageCount
    },
    async remove(ref, signal) {
      of.checkOpen('remove')
      checkQueue(ref, 'remove')
      const { name } = ref
      await locks.with(name, 'remove', signal, async () => {
        // To remove what is not there is no error of AMQP.
        await connection.ask('remove', name, (amqp) => amqp.checkQueue(name))
        for (const queue of namesOf(name)) {
          await connection.ask('remove', name, (amqp) => amqp.deleteQueue(queue))
        }
      })
      of.removed(name)
    },
  } satisfies Partial<Admin>
}

function isPattern(found: string | null): found is Pattern {
  return found !== null && !found.startsWith('exchange ')
}

/** @throws UNSUPPORTED */
function checkQueue({ name, pattern }: ChannelRef, operation: string): void {
  if (pattern === 'queue') return
  const text = `${pattern} "${name}" is no queue: this is for queues`
  throw rabbitmqError('UNSUPPORTED', operation, text, { channel: name })
}
