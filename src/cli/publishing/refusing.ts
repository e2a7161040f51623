import type { Bus, Channel } from '../../runtime/api.ts'
import type { Invocation } from '../invocation.ts'
import { harmless } from '../output/displayWidth.ts'
import { showDuration } from '../output/quantities.ts'

const lookMs = 250
const tellAfterMs = 2_000

/** Says once, after two seconds, that the broker refuses for now, until it is disposed. */
export function tellRefusals(
  { clock, live, output }: Pick<Invocation, 'clock' | 'live' | 'output'>,
  bus: Pick<Bus, 'health'>,
  { name, pattern }: Pick<Channel, 'name' | 'pattern'>,
): Disposable {
  let sinceMs: number | null = null
  let isTold = false
  const look = () => {
    const { trouble, refusals } = bus.health()
    const refusal = refusals.find((one) => one.channel === name && one.pattern === pattern)
    // Of a connection that is lost others tell.
    if (!refusal || trouble !== null) {
      sinceMs = null
      isTold = false
      return
    }
    sinceMs ??= clock.monotonicMs()
    if (isTold || clock.monotonicMs() - sinceMs < tellAfterMs) return
    isTold = true
    if (live) output.stderr.write('\r\x1b[2K') // a line of progress may stand there
    const forMs = showDuration(refusal.leftMs)
    output.warn(`refused for now: ${harmless(refusal.why)}; goes on trying for ${forMs}`)
  }
  const timer = setInterval(look, lookMs).unref()
  return { [Symbol.dispose]: () => clearInterval(timer) }
}
