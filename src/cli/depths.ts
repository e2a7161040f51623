import type { ChannelRef } from '../core/channel.ts'
import type { Depth } from '../core/driver.ts'
import { NarrowcastError } from '../core/errors.ts'
import type { Bus } from '../runtime/api.ts'

/** Of a live channel, which keeps nothing that could be counted. */
export const uncounted: Depth = {
  waiting: 'unknown',
  inFlight: 'unknown',
  scheduled: 'unknown',
  dead: 'unknown',
  stored: 'unknown',
  in: 'unknown',
  out: 'unknown',
  oldestMs: 'unknown',
  paused: false,
  order: null,
}

/** Of a channel in whose place there is something else. */
export const unreadable: Depth = { ...uncounted }

const perCall = 100
/** Another program keeps something there, or nobody can read what was declared. */
const ofOne: readonly string[] = ['CONFLICT', 'STORE_UNUSABLE']

/**
 * The counts of channels, null for one that is gone. One that is unreadable is told, and spoils
 * none of the others.
 */
export async function depthsOf(
  { admin }: Bus,
  channels: readonly ChannelRef[],
  tell: (text: string) => void,
): Promise<(Depth | null)[]> {
  const one = async (channel: ChannelRef): Promise<Depth | null> => {
    try {
      const [depth] = await admin.depths([channel])
      return depth ?? null
    } catch (error) {
      tell(`${channel.name}: ${whyUnreadable(error)}`)
      return unreadable
    }
  }
  const depths: (Depth | null)[] = []
  for (let at = 0; at < channels.length; at += perCall) {
    const some = channels.slice(at, at + perCall)
    const found = await admin.depths(some).catch((error: unknown) => {
      whyUnreadable(error)
      return null
    })
    if (found) depths.push(...found)
    else for (const channel of some) depths.push(await one(channel))
  }
  return depths
}

/** @throws what is not about one channel */
export function whyUnreadable(error: unknown): string {
  if (error instanceof NarrowcastError && ofOne.includes(error.code)) return error.message
  throw error
}
