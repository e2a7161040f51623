import type { Driver } from '../../core/driver.ts'
import type { BrokerUrl } from '../../core/url.ts'
import { Connection } from './connection.ts'
import { adviceOf, contractsOf, type RabbitmqContracts } from './contract.ts'
import { openManagement } from './management/open.ts'
import { type RabbitmqOptions, type RabbitmqTarget, targetOf, targetOfOptions } from './options.ts'
import { closedError } from './rabbitmqErrors.ts'
import { RabbitmqSession } from './session.ts'

export { contracts } from './contract.ts'
export type { RabbitmqOptions } from './options.ts'

/**
 * RabbitMQ 3.10 and newer: quorum queues. Needs the package `amqplib`.
 * @throws INVALID_CONFIG for a wrong option.
 */
export function rabbitmq(options: RabbitmqOptions): Driver<RabbitmqContracts> {
  return driverOf(targetOfOptions(options))
}

/** `amqp://user:password@host:port/vhost`. @throws INVALID_CONFIG */
export function fromUrl(url: BrokerUrl): Driver<RabbitmqContracts> {
  return driverOf(targetOf(url))
}

const closeMsMax = 2_000

function driverOf(target: RabbitmqTarget): Driver<RabbitmqContracts> {
  let serials = 0
  return {
    name: 'rabbitmq',
    contracts: contractsOf(target.management !== null),
    advice: adviceOf(target.management !== null),
    async open(on, signal) {
      const consuming = await Connection.open(target, 'consumer', signal)
      try {
        const managed = await openManagement(target, consuming.facts.cluster, signal)
        // Both at the node that has answered: they are of use together only.
        const there = { ...target, addresses: [consuming.address] }
        const publishing = await Connection.open(there, 'publisher', signal)
        const session = new RabbitmqSession({
          ...{ consuming, publishing, managed, heartbeatS: consuming.facts.heartbeatS },
          nextSerial: () => ++serials,
        })
        publishing.onBlocked = (why) => on.blocked?.(why)
        for (const one of [consuming, publishing]) {
          const tell = () => {
            if (!session.isClosing) on.closed(one.ended.reason)
          }
          if (one.ended.aborted) tell()
          else one.ended.addEventListener('abort', tell)
        }
        return session
      } catch (error) {
        await consuming.close(closedError('connection'), AbortSignal.timeout(closeMsMax))
        throw error
      }
    },
  }
}
