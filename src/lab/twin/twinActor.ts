import { actorLabel } from '../actor/actorLabel.ts'
import type { ActorJob } from '../actor/job.ts'
import type { Place } from '../actor/place.ts'
import type { ProducerJob } from '../actor/producer.ts'
import type { RunPlan } from '../plan.ts'
import type { Twin, TwinPlace, TwinSender } from './twin.ts'
import { workAsTwin } from './twinWork.ts'

/** A worker of the raw client. Resolves when it has drained. `over`: it takes nothing more. */
export async function handleAsTwin(
  twin: Twin,
  { id, plan, url, group }: ActorJob,
  place: Place,
  onReady: () => void,
  over: AbortSignal,
): Promise<void> {
  await using reader = await twin.reader(twinPlaceOf(plan, url, group, actorLabel(id)))
  onReady()
  const { concurrency, handlerMs } = plan.load
  await workAsTwin({ reader, number: plan.run.number, concurrency, handlerMs, over }, place)
}

/** What a producer publishes through. Id and key travel in the data alone. */
export function channelOfTwin(sender: TwinSender): ProducerJob['channel'] {
  return {
    async publish(message) {
      const receivers = await sender.send(message)
      return { duplicate: false, ...(receivers !== undefined && { receivers }) }
    },
  }
}

export function twinPlaceOf(
  { channel }: RunPlan,
  url: string,
  group: string | null,
  reader: string,
): TwinPlace {
  const { name, leaseMs } = channel
  return { url, channel: name, leaseMs, group, reader }
}
