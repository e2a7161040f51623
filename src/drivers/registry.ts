// Made from the folders by `npm run generate`.
import type { Driver } from '../core/driver.ts'
import type { BrokerUrl } from '../core/url.ts'

interface DriverModule {
  fromUrl(url: BrokerUrl): Driver
}

/** Scheme → driver, loaded when it is asked for. */
export const drivers = {
  file: () => import('./file/index.ts'),
  kafka: () => import('./kafka/index.ts'),
  kafkas: () => import('./kafka/index.ts'),
  memory: () => import('./memory/index.ts'),
  amqp: () => import('./rabbitmq/index.ts'),
  amqps: () => import('./rabbitmq/index.ts'),
  redis: () => import('./redis/index.ts'),
  rediss: () => import('./redis/index.ts'),
} as const satisfies Record<string, () => Promise<DriverModule>>

/** Each driver once: a second scheme of it is none of its own. */
export const driverNames = ['file', 'kafka', 'memory', 'rabbitmq', 'redis'] as const
