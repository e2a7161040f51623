import type { Bus } from '../../runtime/api.ts'
import { TelemetryView } from '../../runtime/telemetry/view.ts'
import type { Invocation } from '../invocation.ts'
import { showDuration } from '../output/quantities.ts'

/** A process that has nothing to do tells every five seconds. */
const listenMsDefault = 5_500
const sayAfterMs = 2_000

/**
 * Hears for `--for` what processes tell: by default long enough for each to have told once. With
 * 0s nobody is heard, and nothing is asked of the backend. @throws UNSUPPORTED without a broadcast
 */
export async function listen(
  { flags, clock, interrupts, output }: Invocation,
  bus: Bus,
): Promise<TelemetryView> {
  const forMs = flags.durationMs('for') ?? listenMsDefault
  if (forMs === 0) return new TelemetryView(clock.monotonicMs)
  const view = await bus.telemetry.watch()
  const stopping = interrupts.claim()
  await clock.sleep(Math.min(forMs, sayAfterMs), stopping)
  if (forMs <= sayAfterMs || stopping.aborted) return view
  const { length } = view.processes
  output.note(
    `heard ${length === 1 ? '1 process' : `${length} processes`}; listening ${showDuration(forMs - sayAfterMs)} more (--for)`,
  )
  await clock.sleep(forMs - sayAfterMs, stopping)
  return view
}
