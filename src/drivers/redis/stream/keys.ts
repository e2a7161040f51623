import type { ChannelRef } from '../../../core/channel.ts'
import { helperKey } from '../keys.ts'

/** The one group of a queue. */
export const queueGroup = 'narrowcast'

/** The consumer to which everything pending belongs that no reader has in hand. */
export const nobody = 'narrowcast'

/** How a channel names a group in Redis; null is the one of a queue. */
export function groupName(group: string | null): string {
  return group ?? queueGroup
}

export function flagsKey(channel: string): string {
  return helperKey(channel, 'flags')
}

export function deadKey(channel: string): string {
  return helperKey(channel, 'dead')
}

/** What is announced to those who wait; by Pub/Sub. */
export function wakeChannel(channel: string): string {
  return helperKey(channel, 'wake')
}

/** Of the whole channel: stream, flags, who waits, what is delayed and its messages. */
export function channelKeys(channel: string): string[] {
  return [
    channel,
    flagsKey(channel),
    helperKey(channel, 'idle'),
    helperKey(channel, 'delayed'),
    helperKey(channel, 'delayed:messages'),
  ]
}

/** One reader: what is known of it. */
export function readerKey(channel: string, group: string, reader: string): string {
  return helperKey(channel, `reader:${group}:${reader}`)
}

/** Those of the channel, then those of one group, as `groupLua` names them. */
export function groupKeys(channel: string, group: string, reader: string): string[] {
  const names = ['readers', 'back', 'retry', 'counts', 'heads', 'behind']
  return [
    ...channelKeys(channel),
    readerKey(channel, group, reader),
    ...names.map((name) => helperKey(channel, `${name}:${group}`)),
  ]
}

export function isQueue({ pattern }: ChannelRef): boolean {
  return pattern === 'queue'
}
