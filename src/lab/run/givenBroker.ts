import { connect } from '../../connect.ts'
import { type ChannelRef, telemetryChannel } from '../../core/channel.ts'
import type { Bus } from '../../runtime/api.ts'

/** What a run on a broker that is not ours will make there: what is not there yet. */
export async function channelsToMake(url: string, own: ChannelRef): Promise<readonly ChannelRef[]> {
  await using bus = await connect(url, { name: 'lab', telemetry: false })
  const telemetry: ChannelRef = { name: telemetryChannel, pattern: 'broadcast' }
  const all = [own, telemetry].filter((one) => isRemovable(bus, one))
  const found = await Promise.all(all.map(({ name }) => bus.admin.find(name)))
  return all.filter((_, at) => found[at] === null)
}

/** Where a driver cannot remove what it has made, that stays. */
export function isRemovable({ contracts }: Pick<Bus, 'contracts'>, { pattern }: ChannelRef) {
  return contracts[pattern]?.manage !== false
}

/** Leaves the broker as it was. */
export async function removeChannels(url: string, made: readonly ChannelRef[]): Promise<void> {
  await using bus = await connect(url, { name: 'lab', telemetry: false })
  for (const { name, pattern } of made) {
    if (await bus.admin.find(name)) await bus.admin.remove({ name, pattern })
  }
}
