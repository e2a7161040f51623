import { isOwnChannel, type WorkerRef } from '../../../core/channel.ts'
import { helperKey } from '../keys.ts'
import type { Home } from '../servers.ts'

/**
 * Pub/Sub has no databases: what is heard in one is heard in all. Names of any but 0 say it, which
 * no name of a channel can.
 */
const parted = (channel: string, { database }: Home) =>
  database === 0 ? channel : `${channel}:${database}`

const helper = (channel: string, name: string, { database }: Home) =>
  helperKey(channel, database === 0 ? name : `${database}:${name}`)

/**
 * Where all of a broadcast listen. Every program may publish to one, so its name is the channel's
 * own in each database; those that are ours alone are not.
 */
export const sharedNameOf = (channel: string, home: Home) =>
  isOwnChannel(channel) ? parted(channel, home) : channel

/** Where the relay that leads listens. */
export const inboxOf = parted

/** Who calls itself so: where another start of a worker hears that it is replaced. */
export const presenceOf = (channel: string, worker: string, home: Home) =>
  helper(channel, `s:${encodeURIComponent(worker)}`, home)

/** All of them, as a pattern: a channel's name has no character that a pattern gives a meaning. */
export const presencesOf = (channel: string, home: Home) => helper(channel, 's:*', home)

/** Where relays hear that the lead is free. */
export const leadChannelOf = (channel: string, home: Home) => helper(channel, 'lead', home)

/** On a cluster it must lie in the slot of its channel. */
const workersPrefix = (channel: string, home: Home) =>
  home.isCluster ? helperKey(channel, 'w:') : `${parted(channel, home)}:w:`

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
