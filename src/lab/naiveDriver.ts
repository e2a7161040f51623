import type { Driver } from '../core/driver.ts'
import { parseBrokerUrl } from '../core/url.ts'
import { drivers } from '../drivers/registry.ts'
import { liar } from '../testing/liar.ts'

/** Redis as it is read without a library: what is popped is gone, whoever dies with it. */
export async function naiveDriver(url: string): Promise<Driver> {
  const { fromUrl } = await drivers.redis()
  return liar(fromUrl(parseBrokerUrl(url)), 'acknowledges before the handler', () => 1)
}
