import { NarrowcastError } from '../../core/errors.ts'
import { isLive } from '../../core/message.ts'
import type { Evidence } from '../evidence/evidence.ts'
import { groupsOf } from '../openChannel.ts'
import type { RunPlan } from '../plan.ts'
import { Cast } from '../run/cast.ts'
import { Chronicle } from '../run/chronicle.ts'
import { nanoseconds, Pace } from '../run/pace.ts'
import type { Stage } from '../run/stage.ts'
import { twinPlaceOf } from './twinActor.ts'
import { loadTwin, type TwinName } from './twins.ts'

const untilZeroMs = 500
/** Workers that write down nothing for so long, beside what a handler takes, have all there is. */
const quietMs = 2_000

export interface TwinPlayed {
  readonly evidence: Evidence
  /** When the load began. */
  readonly zeroNs: bigint
}

/**
 * Plays a plan without faults on the raw client. `halted`: sends nothing more. Whoever calls ends the
 * stage. @throws INTERNAL where an actor ends by itself.
 */
export async function playTwin(
  plan: RunPlan & { readonly twin: TwinName },
  url: string,
  stage: Stage,
  halted: AbortSignal,
): Promise<TwinPlayed> {
  const { channel, load } = plan
  const pace = new Pace(stage.clock, () => stage.nowNs())
  const chronicle = new Chronicle(
    () => stage.nowNs(),
    () => {},
  )
  const cast = new Cast(plan, stage, pace, chronicle)
  const twin = await loadTwin(plan.twin)
  for (const group of groupsOf(channel)) await twin.prepare(twinPlaceOf(plan, url, group, 'lab'))
  if (!load.startsLate) await cast.startWorkers()
  await cast.startProducers()
  const zeroNs = stage.nowNs() + nanoseconds(untilZeroMs)
  const halt = () => void cast.haltProducers()
  halted.addEventListener('abort', halt, { once: true })
  if (halted.aborted) halt()
  await cast.sendAll(zeroNs)
  if (!isLive(channel.pattern)) {
    // As workers of narrowcast do: fresh ones take what the others have left.
    await cast.leaveWorkers()
    await cast.startWorkers()
  }
  await untilQuiet(() => cast.written(), quietMs + 2 * load.handlerMs, pace)
  await cast.leaveWorkers()
  const { events } = chronicle
  const gone = events.find(({ event }) => event === 'EXIT')
  if (gone && 'role' in gone) {
    // What it would have done is no loss of the raw client.
    const text = `lab: ${gone.role} ${gone.actor} of the raw client ended by itself`
    throw new NarrowcastError('INTERNAL', text, { operation: 'run a twin' })
  }
  return { evidence: { ledgers: await stage.ledgers(), events, depth: [] }, zeroNs }
}

async function untilQuiet(written: () => Promise<number>, ms: number, pace: Pace): Promise<void> {
  let before = -1
  for (let now = await written(); now !== before; now = await written()) {
    before = now
    await pace.sleep(ms)
  }
}
