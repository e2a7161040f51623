import type { Bus } from '../../runtime/api.ts'
import { TelemetryView } from '../../runtime/telemetry/view.ts'
import type { Invocation } from '../invocation.ts'
import { showDuration } from '../output/quantities.ts'

/** A process that has nothing to do tells every five seconds. */
export const idleMs = 5_000
const listenMsDefault = idleMs + 500
const sayAfterMs = 2_000
const lookMs = 100

/**
 * Hears for `--for` what processes tell: by default long enough for each to have told once, or until
 * it is enough. With 0s nobody is heard, and nothing is asked of the backend. @throws UNSUPPORTED without a broadcast
 */
export async function listen(
  { flags, clock, interrupts, output }: Invocation,
  bus: Bus,
  isEnough: (view: TelemetryView) => boolean = () => false,
): Promise<TelemetryView> {
  const forMs = flags.durationMs('for') ?? listenMsDefault
  if (forMs === 0) return new TelemetryView(clock.monotonicMs)
  const view = await bus.telemetry.watch()
  const stopping = interrupts.claim()
  const untilMs = clock.monotonicMs() + forMs
  const isOver = async (toMs: number) => {
    for (let leftMs = 1; leftMs > 0; leftMs = toMs - clock.monotonicMs()) {
      if (stopping.aborted || isEnough(view)) return true
      await clock.sleep(Math.min(lookMs, leftMs), stopping)
    }
    return false
  }
  const sayMs = Math.min(untilMs, clock.monotonicMs() + sayAfterMs)
  if ((await isOver(sayMs)) || sayMs === untilMs) return view
  const { length } = view.processes
  output.note(
    `heard ${length === 1 ? '1 process' : `${length} processes`}; listening ${showDuration(forMs - sayAfterMs)} more (--for)`,
  )
  await isOver(untilMs)
  return view
}
