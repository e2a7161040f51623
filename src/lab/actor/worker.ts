import type { Channel, Received, Subscription } from '../../runtime/api.ts'
import { lateFlag, settlements } from '../evidence/record.ts'
import { decodeData, identityOfId, keyName, type LabData, messageId } from '../identity.ts'
import { codeFlag, type Place, positionNumber } from './place.ts'

export interface WorkerJob {
  readonly channel: Channel<Uint8Array>
  readonly run: { readonly name: string; readonly number: bigint }
  readonly concurrency: number
  readonly handlerMs: number
}

const settlementOf = { ack: 'ack', retry: 'retry', dead: 'dead', release: 'released' } as const

/** Handles what comes, and writes down each step of it. The last record of a handler is its effect. */
export function work(job: WorkerJob, place: Place): Subscription {
  const { channel, run, concurrency } = job
  const subscription = channel.subscribe(
    (data, received) => handle(job, place, ours(run, data, received), received),
    { concurrency },
  )
  subscription.on('settled', ({ id, kind, outcome }) => {
    const message = identityOfId(run.name, id)
    if (!message) return // what is foreign was written down as such when it came
    const late = outcome === 'late' ? lateFlag : 0
    const flags = settlements.indexOf(settlementOf[kind]) | late
    place.write({ type: 'settled', message, flags }, place.nowNs())
  })
  subscription.on('error', ({ id, error }) => {
    const message = id === null ? null : identityOfId(run.name, id)
    if (!message) return // not about a message of ours: the library's own trouble explains nothing
    place.write({ type: 'error', message, flags: codeFlag(error.code) }, place.nowNs())
  })
  return subscription
}

/** Null for what is not of this run, or does not travel under its own id and key. */
function ours(
  { name, number }: WorkerJob['run'],
  bytes: Uint8Array,
  { message: { id, key } }: Received<Uint8Array>,
): LabData | null {
  const data = decodeData(bytes, number)
  if (data === null) return null
  return id === messageId(name, data.identity) && key === keyName(data.key) ? data : null
}

async function handle(
  { handlerMs }: WorkerJob,
  place: Place,
  data: LabData | null,
  { failures, crashes, position, signal }: Received<Uint8Array>,
): Promise<void> {
  const count = failures + (crashes === 'unknown' ? 0 : crashes) + 1
  const at = positionNumber(position)
  if (data === null) {
    place.write({ type: 'recv', count, position: at }, place.nowNs())
    return
  }
  const about = { message: data.identity, key: data.key }
  place.write({ type: 'recv', ...about, count, position: at }, place.nowNs())
  await place.clock.sleep(handlerMs, signal)
  if (signal.aborted || data.kind === 'poison') {
    place.write({ type: 'throw', ...about, flags: codeFlag('HANDLER_FAILED') }, place.nowNs())
    throw new Error(data.kind === 'poison' ? 'poison' : 'given up')
  }
  place.write({ type: 'done', ...about }, place.nowNs())
}
