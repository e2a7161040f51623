import type { Bus } from '../../runtime/api.ts'
import type { Relay, RelayDecision } from '../../runtime/live/relayApi.ts'
import type { RecordType } from '../evidence/record.ts'
import { measuredId } from '../identity.ts'
import { actorOfWorker } from './actorLabel.ts'
import type { Place } from './place.ts'

export interface RelayJob {
  readonly channel: string
  readonly leaseMs: number
  readonly run: { readonly name: string }
}

const types: Readonly<Record<RelayDecision['kind'], RecordType>> = {
  taken: 'taken',
  routed: 'routed',
  rerouted: 'rerouted',
  'no-worker': 'noWorker',
}

/** Writes down each decision before it is acted upon. */
export async function relay(
  bus: Bus,
  { channel, leaseMs, run }: RelayJob,
  place: Place,
): Promise<Relay> {
  return await bus.relay(channel, {
    leaseMs,
    onDecision(made) {
      const nowNs = place.nowNs()
      for (const { id, kind, to } of made) {
        const message = measuredId(run.name, id)
        if (!message) continue
        const worker = to && actorOfWorker(to)
        const chosen = worker && { target: worker.actor, count: worker.incarnation }
        place.write({ type: types[kind], message, ...chosen }, nowNs)
      }
    },
  })
}
