import type { ChannelRef } from '../../core/channel.ts'
import { contractRow } from '../../core/contract.ts'
import type { Pattern } from '../../core/message.ts'
import type { Bus, ChannelOptions, PublishOptions } from '../../runtime/api.ts'
import { planChannel } from '../../runtime/channelOptions.ts'
import { checkAgainst, encode } from '../../runtime/envelope.ts'

/**
 * Most of what is wrong with a message can be known before its channel is made: when refused it
 * leaves nothing behind. @returns what throws as publishing it would
 */
export function checkOf(
  bus: Pick<Bus, 'contracts' | 'driver'>,
  name: string,
  data: string,
  options: PublishOptions,
  wish: ChannelOptions<string>,
): (pattern: Pattern) => void {
  return (pattern) => {
    const plan = planChannel(name, pattern, wish as ChannelOptions<never>, {})
    const encoded = encode(plan, data, options, 0)
    const most = bus.contracts[contractRow(plan.spec)]
    if (most) checkAgainst(most, encoded, name, bus.driver)
  }
}

/** The most bytes of one message; null: such a channel is not to be had. */
export function bytesMaxOf(
  { contracts }: Pick<Bus, 'contracts'>,
  { name, pattern }: ChannelRef,
  wish: ChannelOptions<string>,
): number | null {
  const { spec } = planChannel(name, pattern, wish as ChannelOptions<never>, {})
  return contracts[contractRow(spec)]?.payloadBytesMax ?? null
}

/** How long a message is tried that is published there. */
export function timeoutMsOf({ name, pattern }: ChannelRef, wish: ChannelOptions<string>): number {
  return planChannel(name, pattern, wish as ChannelOptions<never>, {}).publish.timeoutMs
}
