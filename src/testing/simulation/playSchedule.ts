import type { Outcome, SimulationWish } from './outcome.ts'
import { simulate } from './simulate.ts'
import { simulateRelay } from './simulateRelay.ts'

/** One schedule of so many is that of a relay: there is less that can happen. */
const relayEvery = 10

/** Plays the schedule of a seed. The same seed gives the same outcome. */
export function playSchedule(seed: number, wish: SimulationWish = {}): Promise<Outcome> {
  return seed % relayEvery === relayEvery - 1 ? simulateRelay(seed, wish) : simulate(seed, wish)
}
