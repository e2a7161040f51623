import type { WorkerRef } from '../../core/channel.ts'
import type { Pick } from './pick.ts'

/** Each with the same chance. */
export function random(draw: () => number): Pick {
  return (candidates) => candidates[Math.floor(draw() * candidates.length)] as WorkerRef
}
