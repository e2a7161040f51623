import type { Clock } from '../../core/clock.ts'
import { NarrowcastError } from '../../core/errors.ts'
import { wrongOption } from '../checks.ts'
import { type LoadOf, leastBusy } from './leastBusy.ts'
import type { Pick } from './pick.ts'
import { random } from './random.ts'
import { roundRobin } from './roundRobin.ts'
import { sticky } from './sticky.ts'

/**
 * Which live worker a narrowcast message goes to. random: any. roundRobin: one after the other.
 * sticky: a key stays with its worker; without a key, random. leastBusy: the less busy of two at
 * random, by telemetry.
 */
export type Strategy = 'random' | 'roundRobin' | 'sticky' | 'leastBusy'

const known: readonly Strategy[] = ['random', 'roundRobin', 'sticky', 'leastBusy']

export interface StrategyHost {
  readonly random: () => number
  readonly clock: Clock
  /** Null: there is no telemetry. */
  readonly load: LoadOf | null
}

/** @throws INVALID_ARGUMENT */
export function checkStrategy(strategy: Strategy): Strategy {
  if (known.includes(strategy)) return strategy
  throw wrongOption('strategy', known.join(', '), strategy)
}

/** @throws UNSUPPORTED for `leastBusy` without telemetry. */
export function pickBy(strategy: Strategy, channel: string, host: StrategyHost): Pick {
  switch (strategy) {
    case 'random':
      return random(host.random)
    case 'roundRobin':
      return roundRobin()
    case 'sticky':
      return sticky(random(host.random))
    case 'leastBusy':
      if (host.load) return leastBusy(host.load, host.random, () => host.clock.monotonicMs())
      throw new NarrowcastError(
        'UNSUPPORTED',
        `channel "${channel}": strategy 'leastBusy' needs telemetry, which this bus does not have`,
        {
          channel,
          operation: 'open',
          hint: "Use 'random' or 'roundRobin', or switch telemetry on.",
        },
      )
  }
}
