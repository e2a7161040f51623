import type { DepthSample } from '../evidence/evidence.ts'
import { leftIn } from './depths.ts'
import { nanoseconds, type Pace } from './pace.ts'

/** How long a drain goes on while the broker holds no less than before. */
const stillMsMax = 60_000
const pollMs = 100
/** A live message that has not come after so long without any other will not come. */
const quietMs = 2_000
/** The slowest worker takes a minute for a thousand messages. */
const quietMsMax = 300_000

/** Waits until nothing is left in a broker that keeps what it has. @returns whether that came true. */
export async function drainKept(
  look: () => Promise<readonly DepthSample[]>,
  pace: Pace,
): Promise<boolean> {
  let least = Number.POSITIVE_INFINITY
  let leastNs = pace.nowNs()
  while (least > 0 && pace.nowNs() < leastNs + nanoseconds(stillMsMax)) {
    const left = leftIn(await look())
    if (left < least) {
      least = left
      leastNs = pace.nowNs()
    }
    if (left > 0) await pace.sleep(pollMs)
  }
  return least === 0
}

/** Waits until workers write down nothing new. @returns whether they came to an end. */
export async function drainLive(written: () => Promise<number>, pace: Pace): Promise<boolean> {
  const untilNs = pace.nowNs() + nanoseconds(quietMsMax)
  let before = -1
  for (let now = await written(); now !== before; now = await written()) {
    if (pace.nowNs() >= untilNs) return false
    before = now
    await pace.sleep(quietMs)
  }
  return true
}
