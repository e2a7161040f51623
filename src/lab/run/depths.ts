import { NarrowcastError } from '../../core/errors.ts'
import type { Bus } from '../../runtime/api.ts'
import type { DepthSample } from '../evidence/evidence.ts'
import { groupsOf } from '../openChannel.ts'
import type { ChannelPlan } from '../plan.ts'

const unknown = 'unknown'

/**
 * What the broker says about a kept channel now: one sample for each group. `before`: what it had
 * ever stored when the load began.
 *
 * @throws NOT_FOUND where the broker has lost the channel with its data, and nobody has declared it again.
 */
export async function depthsOf(
  bus: Bus,
  plan: ChannelPlan,
  timeNs: bigint,
  before: number | 'unknown',
): Promise<DepthSample[]> {
  const { name, pattern } = plan
  const [depth] = await bus.admin.depths([{ name, pattern }])
  if (!depth) {
    const text = `lab: the broker does not know "${name}" any more`
    throw new NarrowcastError('NOT_FOUND', text, { channel: name, operation: 'look at a channel' })
  }
  const { waiting, inFlight, scheduled, dead } = depth
  const ever = depth.in
  const stored = ever === unknown || before === unknown ? unknown : ever - before
  if (pattern !== 'stream') {
    return [{ timeNs, group: null, waiting, inFlight, scheduled, dead, stored }]
  }
  const groups = await bus.admin.groups({ name, pattern })
  return groupsOf(plan).flatMap((group) => {
    const found = groups.find((one) => one.group === group)
    // Whom nobody has read for yet has it all before it.
    const { lag, inFlight: held } = found ?? { lag: stored === unknown ? 0 : stored, inFlight: 0 }
    // The lag is all that is not settled; what waits for its next try is not told apart. Who does not
    // tell what is in hand has it not among the rest either.
    const rest = lag === unknown || held === unknown ? lag : lag - held
    return [{ timeNs, group, waiting: rest, inFlight: held, scheduled: 0, dead: unknown, stored }]
  })
}

/**
 * What is not told is taken for something: nobody can say that it is empty. But for what is in hand:
 * that waits again when whoever has it has left, and is counted then.
 */
export function leftIn(samples: readonly DepthSample[]): number {
  return samples
    .flatMap(({ waiting, inFlight, scheduled }) => [
      waiting,
      inFlight === unknown ? 0 : inFlight,
      scheduled,
    ])
    .reduce<number>((sum, count) => sum + (count === unknown ? 1 : count), 0)
}

/** Whatever the broker does not tell: who has left has nothing in hand. */
export function whenAllHaveLeft(samples: readonly DepthSample[]): DepthSample[] {
  return samples.map((one) => ({ ...one, inFlight: one.inFlight === unknown ? 0 : one.inFlight }))
}
