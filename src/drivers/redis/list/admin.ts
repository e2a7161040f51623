import type { EngineAdmin } from '../engine.ts'
import { redisError } from '../redisErrors.ts'
import { depthOf } from './depth.ts'
import type { Queue } from './queue.ts'

/** What can be asked and changed beside the flow of messages. */
export function listAdmin(queueOf: (channel: string) => Queue): EngineAdmin {
  const no = (what: string) => async (): Promise<never> => {
    throw redisError('UNSUPPORTED', what, 'a queue has no groups')
  }
  return {
    depth: ({ name }) => depthOf(queueOf(name)),
    groups: no('groups'),
    seek: no('seek'),
    removeGroup: no('removeGroup'),
    peek: no('peek'),
    message: no('message'),
    deadLetters: no('deadLetters'),
    dead: no('dead'),
    revive: no('revive'),
    removeDead: no('removeDead'),
    async pause({ name }, paused) {
      const queue = queueOf(name)
      const { flags } = queue.layout
      await queue.home.send(
        paused ? ['HSET', flags, 'paused', '1'] : ['HDEL', flags, 'paused'],
        'pause',
      )
      if (!paused) await queue.wake()
    },
    purge: no('purge'),
    removeMessage: no('removeMessage'),
    removeKeys: no('remove'),
  }
}
