import type { Clock } from '../../core/clock.ts'
import type { Settlement } from '../../core/message.ts'
import type { Line } from './line.ts'
import type { Stored } from './message.ts'
import type { Slots } from './slots.ts'

/** What a line needs from its channel. */
export interface LineHost {
  readonly clock: Clock
  readonly log: Slots<Stored>
  readonly isPaused: boolean
  /** No later reader of that name may use a serial up to this one. */
  useSerials(upTo: number): void
  /** A message was acknowledged, or died. */
  ended(line: Line, stored: Stored, settlement: Settlement): void
}
