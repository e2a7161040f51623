import { NarrowcastError } from '../../core/errors.ts'
import type { Receipt } from '../../runtime/api.ts'
import type { Entry } from '../evidence/entry.ts'
import { duplicateFlag, notTold } from '../evidence/record.ts'
import { encodeData, type Identity, keyName, messageId } from '../identity.ts'
import { type Load, type PlannedMessage, planOf, shareOf } from '../load.ts'
import { codeFlag, type Place, positionNumber } from './place.ts'

export interface ProducerJob {
  readonly channel: {
    publish(
      data: Uint8Array,
      options: { readonly id: string; readonly key: string },
    ): Promise<Omit<Receipt, 'id'>>
  }
  readonly load: Load
  readonly seed: number
  readonly run: { readonly name: string; readonly number: bigint }
  readonly producer: number
  readonly incarnation: number
  /** When the plan begins. */
  readonly zeroNs: bigint
  readonly resumed: Resumed
  /** Fires when nothing new is to be sent; what is open is waited for. */
  readonly halted: AbortSignal
}

/** What the starts of a producer before this one have come to. */
export interface Resumed {
  /** Places of the plan that they have sent, from 0. */
  readonly places: number
  /** Sent without an answer: sent again under its old name. */
  readonly open: readonly { readonly identity: Identity; readonly place: number }[]
}

export const fromTheBeginning: Resumed = { places: 0, open: [] }

/** Publishes in flight at once; a message that waits for room keeps its intended time. */
const inFlightMax = 1_000

/** Sends everything when it is due, whatever the answers; resolves when all are there. */
export async function produce(job: ProducerJob, place: Place): Promise<void> {
  const { load, resumed, halted } = job
  const planned = planOf(load, job.seed, job.producer)
  const room = new Room(inFlightMax)
  for (const again of resumed.open) {
    const plan = planned(again.place)
    await room.enter()
    void room.leaveAfter(attempt(job, place, again.identity, plan, 2))
  }
  const count = shareOf(load, job.producer) - resumed.places
  for (let sequence = 0; sequence < count; sequence++) {
    const plan = planned(resumed.places + sequence)
    await untilNs(dueNs(job, plan), place, halted)
    if (halted.aborted) break // before it enters: nobody would leave
    await room.enter()
    const identity = { producer: job.producer, incarnation: job.incarnation, sequence }
    void room.leaveAfter(send(job, place, identity, plan))
  }
  await room.empty()
}

/** A timer may end a little early. */
async function untilNs(timeNs: bigint, place: Place, halted: AbortSignal): Promise<void> {
  for (;;) {
    const waitMs = Number(timeNs - place.nowNs()) / 1e6
    if (waitMs <= 0 || halted.aborted) return
    await place.clock.sleep(Math.ceil(waitMs), halted)
  }
}

function dueNs({ zeroNs }: ProducerJob, plan: PlannedMessage): bigint {
  return zeroNs + BigInt(Math.round(plan.dueNs))
}

async function send(
  job: ProducerJob,
  place: Place,
  identity: Identity,
  plan: PlannedMessage,
): Promise<void> {
  const last = plan.isAgain ? 2 : 1
  for (let count = 1; count <= Math.max(last, job.load.triesMax); count++) {
    const outcome = await attempt(job, place, identity, plan, count)
    if (count >= last && outcome !== 'info') return
  }
}

/** One record before it, one after it. */
async function attempt(
  job: ProducerJob,
  place: Place,
  identity: Identity,
  plan: PlannedMessage,
  count: number,
): Promise<Entry['type']> {
  const { channel, load, run } = job
  const { key, kind } = plan
  const intendedNs = dueNs(job, plan)
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
  return told.type
}

/** Lets in so many at once; the first failure of any is thrown to whoever waits next. */
class Room {
  readonly #size: number
  #inside = 0
  #failure: { error: unknown } | null = null
  #changed = Promise.withResolvers<void>()

  constructor(size: number) {
    this.#size = size
  }

  async enter(): Promise<void> {
    while (this.#inside >= this.#size && !this.#failure) await this.#changed.promise
    if (this.#failure) throw this.#failure.error
    this.#inside++
  }

  async leaveAfter(work: Promise<unknown>): Promise<void> {
    try {
      await work
    } catch (error) {
      this.#failure ??= { error }
    }
    this.#inside--
    const { resolve } = this.#changed
    this.#changed = Promise.withResolvers()
    resolve()
  }

  /** Resolves when nobody is inside. */
  async empty(): Promise<void> {
    while (this.#inside > 0 && !this.#failure) await this.#changed.promise
    if (this.#failure) throw this.#failure.error
  }
}
