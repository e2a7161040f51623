import { NarrowcastError } from '../../core/errors.ts'
import { isLive } from '../../core/message.ts'
import type { Channel, Received, Subscription } from '../../runtime/api.ts'
import { givenUpFlag, lateFlag, settlements } from '../evidence/record.ts'
import { decodeData, keyName, type LabData, measuredId, messageId } from '../identity.ts'
import { liveHoldMax } from '../openChannel.ts'
import { codeFlag, type Place, positionNumber } from './place.ts'
import { writeTroubles } from './troubles.ts'

export interface WorkerJob {
  readonly channel: Channel<Uint8Array>
  readonly run: { readonly name: string; readonly number: bigint }
  /** Of a stream. */
  readonly group: string | null
  readonly concurrency: number
  readonly handlerMs: number
  /** It has handled a probe. */
  readonly probed: () => void
  /** Ends the process here and now, as a message asks that kills its worker. */
  readonly die: () => Promise<never>
}

/** So long a probe keeps a handler, that the next one finds another worker. */
const probeMs = 20

const settlementOf = { ack: 'ack', retry: 'retry', dead: 'dead', release: 'released' } as const

/** Handles what comes, and writes down each step of it. The last record of a handler is its effect. */
export function work(job: WorkerJob, place: Place): Subscription {
  const { channel, run, concurrency, group } = job
  const subscription = channel.subscribe(
    (data, received) => handle(job, place, ours(run, data, received), received),
    {
      concurrency,
      ...(group !== null && { group }),
      ...(isLive(channel.pattern) && { holdMax: liveHoldMax }),
    },
  )
  subscription.on('settled', ({ id, kind, outcome }) => {
    const message = measuredId(run.name, id)
    if (!message) return // what is foreign was written down as such when it came
    const late = outcome === 'late' ? lateFlag : 0
    const flags = settlements.indexOf(settlementOf[kind]) | late
    place.write({ type: 'settled', message, flags }, place.nowNs())
  })
  subscription.on('error', ({ id, error }) => {
    const message = id === null ? null : measuredId(run.name, id)
    if (!message) return // not about a message of ours: the library's own trouble explains nothing
    place.write({ type: 'error', message, flags: codeFlag(error.code) }, place.nowNs())
  })
  writeTroubles(subscription, run.name, place)
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
  { handlerMs, probed, die }: WorkerJob,
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
  if (data.kind === 'probe') {
    await place.clock.sleep(probeMs, signal)
    probed()
    return
  }
  const about = { message: data.identity, key: data.key }
  place.write({ type: 'recv', ...about, count, position: at }, place.nowNs())
  if (data.kind === 'killer') await die()
  await place.clock.sleep(handlerMs, signal)
  if (signal.aborted || data.kind === 'poison') {
    const isGivenUp = signal.aborted && !isOverrun(signal)
    const flags = codeFlag('HANDLER_FAILED') | (isGivenUp ? givenUpFlag : 0)
    place.write({ type: 'throw', ...about, flags }, place.nowNs())
    throw new Error(signal.aborted ? 'given up' : 'poison')
  }
  place.write({ type: 'done', ...about }, place.nowNs())
}

/** It ran for longer than it may: that counts as a failure. */
function isOverrun({ reason }: AbortSignal): boolean {
  return reason instanceof NarrowcastError && reason.code === 'TIMEOUT'
}
