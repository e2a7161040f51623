import { NarrowcastError } from '../../core/errors.ts'
import type { ChannelHost } from '../busChannel.ts'
import { planChannel } from '../channelOptions.ts'
import { Opening, unsupportedPattern } from '../openedChannel.ts'
import { pickBy } from '../strategies/strategies.ts'
import { BusRelay } from './busRelay.ts'
import type { RelayOptions } from './relayApi.ts'
import { planRelay } from './relayPlan.ts'

/**
 * Resolves when the channel is open; the relay is ready when it leads. It is in `relays` until it
 * is closed.
 * @throws INVALID_ARGUMENT, UNSUPPORTED where the driver has no leads
 */
export async function openRelay(
  host: ChannelHost,
  relays: Set<BusRelay>,
  name: string,
  options: RelayOptions,
): Promise<BusRelay> {
  const plan = planRelay(name, options)
  const { driver, closing } = host.connection
  const row = driver.contracts['narrowcast-relay']
  if (!row) throw unsupportedPattern(driver, 'narrowcast-relay', name)
  const { payloadBytesMax } = row
  const channel = planChannel(name, 'narrowcast', { via: 'relay', payloadBytesMax }, {})
  const opening = new Opening(host, channel)
  const { spec } = channel
  const relay: BusRelay = new BusRelay({
    ...{ clock: host.clock, random: host.random, connection: host.connection },
    ...{ spec, plan, pick: pickBy(plan.strategy, name, host) },
    worker: host.workerRef(plan.name),
    open: (signal) => opening.open(signal),
    forget: (session) => opening.forget(session),
    closedError: () => new NarrowcastError('CLOSED', `the relay of "${name}" was closed`),
    ended: () => relays.delete(relay),
  })
  relays.add(relay)
  try {
    await opening.open(closing)
    return relay
  } catch (error) {
    await relay[Symbol.asyncDispose]()
    throw error
  }
}
