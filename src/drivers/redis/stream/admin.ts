import type { EngineAdmin } from '../engine.ts'
import type { Context } from '../session.ts'
import { deadByRef, deadPage, removeDead, revive } from './dead.ts'
import { depthOf, groupsOf } from './depth.ts'
import { flagsKey, wakeChannel } from './keys.ts'
import { purge, removeGroup, seek } from './moving.ts'
import { messageOf, peek } from './peek.ts'
import { removeKeys, removeMessage } from './removal.ts'
import { publishWord } from './words.ts'

/** What can be asked and changed beside the flow of messages. */
export function streamAdmin(context: Context): EngineAdmin {
  return {
    depth: async (channel) => await depthOf(context, channel),
    groups: async (channel) => await groupsOf(context, channel),
    peek: async (channel, query) => await peek(context, channel, query),
    message: async (channel, id) => await messageOf(context, channel, id),
    deadLetters: async (channel, group, query) => await deadPage(context, channel, group, query),
    dead: async (channel, refs) => await deadByRef(context, channel, refs),
    revive: async (channel, refs) => await revive(context, channel, refs),
    removeDead: async (channel, refs) => await removeDead(context, channel, refs),
    async pause({ name }, paused) {
      const home = context.home(name)
      const change = paused
        ? ['HSET', flagsKey(name), 'paused', '1']
        : ['HDEL', flagsKey(name), 'paused']
      await home.send(change, 'pause')
      await home.send([publishWord(context, name), wakeChannel(name), ''], 'pause')
    },
    seek: async (channel, group, to) => await seek(context, channel, group, to),
    purge: async (channel) => await purge(context, channel),
    removeGroup: async (channel, group) => await removeGroup(context, channel, group),
    removeMessage: async (channel, id) => await removeMessage(context, channel, id),
    removeKeys: async (channel) => await removeKeys(context, channel),
  }
}
