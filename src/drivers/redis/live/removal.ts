import type { Home } from '../servers.ts'
import { leaseKeyOf, standbyKeyOf } from './leadScripts.ts'
import { leadChannelOf, listening, presencesOf } from './names.ts'
import { removedText } from './presence.ts'

/** Tells all who subscribe, lead or wait to lead that their channel is gone. */
export async function tellRemoved(channel: string, home: Home): Promise<void> {
  const keys = [leaseKeyOf(channel), standbyKeyOf(channel)]
  await home.send(['DEL', ...keys], 'remove')
  const say = home.isCluster ? 'SPUBLISH' : 'PUBLISH'
  const there = await listening(presencesOf(channel, home), home, 'remove')
  const told = [...there, leadChannelOf(channel, home)]
  await Promise.all(told.map((one) => home.send([say, one, removedText], 'remove')))
}
