import type { WorkerRef } from '../../../core/channel.ts'
import { helperKey } from '../keys.ts'
import type { Home } from '../servers.ts'

/** Who calls itself so: where another start of a worker hears that it is replaced. */
export const presenceOf = (channel: string, worker: string) =>
  helperKey(channel, `s:${encodeURIComponent(worker)}`)

/** All of them, as a pattern: a channel's name has no character that a pattern gives a meaning. */
export const presencesOf = (channel: string) => helperKey(channel, 's:*')

/** Where relays hear that the lead is free. */
export const leadChannelOf = (channel: string) => helperKey(channel, 'lead')

/** On a cluster it must lie in the slot of its channel. */
const workersPrefix = (channel: string, { isCluster }: Home) =>
  isCluster ? helperKey(channel, 'w:') : `${channel}:w:`

/** Where one start of one worker listens. */
export function addressOf(channel: string, { id, incarnation }: WorkerRef, home: Home): string {
  const [name, start] = [encodeURIComponent(id), encodeURIComponent(incarnation)]
  return `${workersPrefix(channel, home)}${name}:${start}`
}

/** The workers that are listened as: names are compared whole, so twins by prefix are none. */
export async function workersOf(channel: string, home: Home): Promise<WorkerRef[]> {
  const prefix = workersPrefix(channel, home)
  const found = await listening(`${prefix}*`, home, 'workers')
  return found.flatMap((name) => {
    const parts = name.slice(prefix.length).split(':')
    const [id, incarnation] = parts.map(decoded)
    return parts.length === 2 && id && incarnation ? { id, incarnation } : []
  })
}

/** Every channel of that form that somebody listens to. */
export async function listening(
  pattern: string,
  home: Home,
  operation: string,
): Promise<readonly string[]> {
  const ask = home.isCluster ? 'SHARDCHANNELS' : 'CHANNELS'
  return await home.send<string[]>(['PUBSUB', ask, pattern], operation)
}

/** Empty where it is none of ours: another program may listen to anything, and say anything. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}
