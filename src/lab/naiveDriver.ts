import type { Driver } from '../core/driver.ts'
import { parseBrokerUrl } from '../core/url.ts'
import { drivers } from '../drivers/registry.ts'
import { liar } from '../testing/liar.ts'

/**
 * A broker as it is read without a library: what is handed over is acknowledged at once, as a plain pop,
 * `noAck` and a commit of what was fetched do, and gone, whoever dies with it.
 */
export async function naiveDriver(url: string): Promise<Driver> {
  return liar(await driverFor(url), 'acknowledges before the handler', () => 1)
}

async function driverFor(url: string): Promise<Driver> {
  const parsed = parseBrokerUrl(url)
  if (parsed.scheme === 'redis') return (await drivers.redis()).fromUrl(parsed)
  if (parsed.scheme === 'kafka') return (await drivers.kafka()).fromUrl(parsed)
  const { naiveRabbitmq } = await import('./naiveRabbitmq.ts') // needs a client that few have
  return naiveRabbitmq((await drivers.amqp()).fromUrl(parsed), url)
}
