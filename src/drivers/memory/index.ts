import { type Clock, systemClock } from '../../core/clock.ts'
import type { Driver } from '../../core/driver.ts'
import { NarrowcastError } from '../../core/errors.ts'
import type { BrokerUrl } from '../../core/url.ts'
import { contracts } from './contract.ts'
import { MemorySession } from './session.ts'
import { Store } from './store.ts'

export { contracts }

/**
 * Keeps everything in this process, for tests: all four patterns with their full contract, and
 * nothing survives the process. The store belongs to the driver object: every bus that is connected to
 * the same object works on the same channels.
 */
export function memory(options: { clock?: Clock } = {}): Driver<typeof contracts> {
  const store = new Store(options.clock ?? systemClock)
  return {
    name: 'memory',
    contracts,
    open: async () => new MemorySession(store),
  }
}

/** `memory:` has no address and no options: each URL that is opened is a store of its own. */
export function fromUrl(url: BrokerUrl): Driver<typeof contracts> {
  const [option] = url.options.keys()
  if (url.rest === '' && option === undefined) return memory()
  const what = option === undefined ? `an address, "${url.rest}"` : `the option ${option}`
  throw new NarrowcastError('INVALID_CONFIG', `memory: the URL has ${what}; expected none`, {
    driver: 'memory',
  })
}
