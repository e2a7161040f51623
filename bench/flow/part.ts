import type { Figure, Target } from '../harness.ts'
import type { Rig } from './rig.ts'

export interface PartResult {
  readonly figures: readonly Figure[]
  readonly targets: readonly Target[]
}

export type Part<R extends Rig = Rig> = (rig: R) => Promise<PartResult>
