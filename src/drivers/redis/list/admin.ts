import type { EngineAdmin } from '../engine.ts'
import { redisError } from '../redisErrors.ts'
import { deadByRef, deadPage, removeDead, revive } from './dead.ts'
import { depthOf } from './depth.ts'
import { messageOf, peek } from './look.ts'
import type { Queue } from './queue.ts'
import { reclaimExpired } from './readers.ts'
import { purge, removeKeys, removeMessage } from './removal.ts'

/** What can be asked and changed beside the flow of messages. */
export function listAdmin(queueOf: (channel: string) => Queue): EngineAdmin {
  /** As it is: what a reader held waits as soon as its lease is over, though nobody reads. */
  const current = async (name: string) => {
    const queue = queueOf(name)
    await reclaimExpired(queue)
    return queue
  }
  return {
    depth: async ({ name }) => await depthOf(await current(name)),
    peek: async ({ name }, query) => await peek(await current(name), query),
    message: async ({ name }, id) => await messageOf(await current(name), id),
    deadLetters: async ({ name }, _group, query) => await deadPage(queueOf(name), query),
    dead: async ({ name }, refs) => await deadByRef(queueOf(name), refs),
    revive: async (channel, refs) => await revive(queueOf(channel.name), channel, refs),
    removeDead: async ({ name }, refs) => await removeDead(queueOf(name), refs),
    async pause({ name }, paused) {
      const queue = queueOf(name)
      const { flags } = queue.layout
      const change = paused ? ['HSET', flags, 'paused', '1'] : ['HDEL', flags, 'paused']
      await queue.home.send(change, 'pause')
      if (!paused) await queue.wake()
    },
    purge: async ({ name }) => await purge(await current(name)),
    removeMessage: async ({ name }, id) => await removeMessage(queueOf(name), id),
    removeKeys: async ({ name }) => await removeKeys(queueOf(name)),
    groups: async ({ name }) => refuse('groups', name),
    seek: async ({ name }) => refuse('seek', name),
    removeGroup: async ({ name }) => refuse('removeGroup', name),
  }
}

/** @throws UNSUPPORTED */
function refuse(operation: string, channel: string): never {
  throw redisError('UNSUPPORTED', operation, `queue "${channel}" has no groups`, { channel })
}
