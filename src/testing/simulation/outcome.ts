import type { Defect } from './defects.ts'
import type { Tally } from './happenings.ts'
import type { Plan } from './plan.ts'
import type { RelayPlan } from './relayPlan.ts'

export interface SimulationWish {
  readonly defect?: Defect
  /** @default false: `trace` stays empty */
  readonly isTraced?: boolean
  /** How the clock learns that nothing goes on without time. @default by turns of the event loop */
  readonly settle?: () => Promise<void>
}

export interface Outcome {
  readonly plan: Plan | RelayPlan
  /** Empty when every promise was kept. */
  readonly problems: readonly string[]
  /** What happened at the store, step by step. */
  readonly trace: readonly string[]
  readonly virtualMs: number
  readonly tally: Tally
}
