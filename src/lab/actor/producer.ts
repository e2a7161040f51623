import { NarrowcastError } from '../../core/errors.ts'
import type { Channel } from '../../runtime/api.ts'
import type { Entry } from '../evidence/entry.ts'
import { duplicateFlag, notTold } from '../evidence/record.ts'
import { encodeData, type Identity, keyName, messageId } from '../identity.ts'
import { type Load, type PlannedMessage, planOf, shareOf } from '../load.ts'
import { codeFlag, type Place, positionNumber } from './place.ts'

export interface ProducerJob {
  readonly channel: Channel<Uint8Array>
  readonly load: Load
  readonly seed: number
  readonly run: { readonly name: string; readonly number: bigint }
  readonly producer: number
  readonly incarnation: number
  /** When the plan begins. */
  readonly zeroNs: bigint
}

/** Publishes in flight at once; a message that waits for room keeps its intended time. */
const inFlightMax = 1_000
const never = new AbortController().signal

/** Sends everything when it is due, whatever the answers; resolves when all are there. */
export async function produce(job: ProducerJob, place: Place): Promise<void> {
  const { load, zeroNs } = job
  const planned = planOf(load, job.seed, job.producer)
  const count = shareOf(load, job.producer)
  const open = new Set<Promise<void>>()
  const broken = Promise.withResolvers<never>()
  broken.promise.catch(() => {}) // thrown below, where it is waited for
  for (let sequence = 0; sequence < count; sequence++) {
    const plan = planned(sequence)
    const intendedNs = zeroNs + BigInt(Math.round(plan.dueNs))
    const waitMs = Number(intendedNs - place.nowNs()) / 1e6
    if (waitMs > 0) await place.clock.sleep(Math.ceil(waitMs), never)
    while (open.size >= inFlightMax) await Promise.race([broken.promise, ...open])
    const identity = { producer: job.producer, incarnation: job.incarnation, sequence }
    const sent = send(job, place, identity, plan, intendedNs)
      .catch((error: unknown) => broken.reject(error))
      .finally(() => open.delete(sent))
    open.add(sent)
  }
  await Promise.race([broken.promise, Promise.all(open)])
}

async function send(
  job: ProducerJob,
  place: Place,
  identity: Identity,
  plan: PlannedMessage,
  intendedNs: bigint,
): Promise<void> {
  await attempt(job, place, identity, plan, intendedNs, 1)
  if (plan.isAgain) await attempt(job, place, identity, plan, intendedNs, 2)
}

/** One record before it, one after it. */
async function attempt(
  { channel, load, run }: ProducerJob,
  place: Place,
  identity: Identity,
  { key, kind }: PlannedMessage,
  intendedNs: bigint,
  count: number,
): Promise<void> {
  const data = encodeData({ run: run.number, identity, key, kind, intendedNs }, load.bytes)
  const about = { message: identity, key }
  place.write({ type: 'invoke', ...about, count, position: intendedNs }, place.nowNs())
  const options = { id: messageId(run.name, identity), key: keyName(key) }
  const told = await channel.publish(data, options).then(
    ({ receivers, position, duplicate }): Entry => ({
      ...{ type: 'ok', ...about, flags: duplicate ? duplicateFlag : 0 },
      ...{ count: receivers ?? notTold, position: positionNumber(position) },
    }),
    (error: unknown): Entry => {
      if (!(error instanceof NarrowcastError)) throw error
      return { type: error.definite ? 'fail' : 'info', ...about, flags: codeFlag(error.code) }
    },
  )
  place.write(told, place.nowNs())
}
