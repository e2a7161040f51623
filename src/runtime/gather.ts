import type { Clock } from '../core/clock.ts'
import type { Room } from '../core/driver.ts'
import type { BatchOptions } from './api.ts'
import { withDeadline } from './deadline.ts'
import type { Held } from './held.ts'

export interface Gathering {
  readonly clock: Clock
  readonly batch: BatchOptions['batch']
  /** For so many messages, as there is room in bytes now. */
  readonly room: (messages: number) => Room
  readonly receive: (room: Room, signal: AbortSignal) => Promise<Held[]>
  /** Fires when nothing more is to be held. */
  readonly hush: AbortSignal
}

/** Waits for a full batch, no longer than it may; a suspect ends the wait. */
export async function gather(of: Gathering, stop: AbortSignal): Promise<Held[]> {
  const { clock, receive, batch, hush } = of
  const gathered = await receive(of.room(batch.size), stop)
  if (gathered.length === 0 || gathered.length >= batch.size) return gathered
  const ended = AbortSignal.any([stop, hush])
  const untilMs = clock.monotonicMs() + batch.waitMsMax
  while (gathered.length < batch.size && !ended.aborted) {
    const leftMs = untilMs - clock.monotonicMs()
    const room = of.room(batch.size - gathered.length)
    if (leftMs <= 0 || room.bytes <= 0 || gathered.some((held) => held.isSuspect)) break
    const more = await withDeadline(clock, leftMs, ended, null, (signal) => receive(room, signal))
    gathered.push(...more)
  }
  return gathered
}
