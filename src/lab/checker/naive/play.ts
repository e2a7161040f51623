import type { ActorId } from '../../evidence/evidence.ts'
import { givenUpFlag, type RecordType } from '../../evidence/record.ts'
import type { Identity } from '../../identity.ts'
import type { FatePlan, MessagePlan, Plan } from './plan.ts'
import { readerOf, Stage } from './stage.ts'

const endMs = 60

/** What all actors and the supervisor have written down when the plan is over. */
export function play(plan: Plan) {
  const stage = new Stage(plan)
  const sequences = new Map<string, number>()
  for (const message of plan.messages.toSorted((one, other) => one.sentMs - other.sentMs)) {
    const { producer, incarnation } = message
    const start = `${producer}.${incarnation}`
    const sequence = sequences.get(start) ?? 0
    sequences.set(start, sequence + 1)
    const identity = { producer, incarnation, sequence }
    publish(stage, message, identity)
    relay(stage, message, identity)
    for (const slot of plan.groups.keys()) {
      if (plan.isDeaf) continue
      deliver(stage, slot, message, identity)
      leave(stage, slot, message, identity)
    }
  }
  addStrangers(stage, plan)
  return stage.evidence()
}

function publish(stage: Stage, { sentMs, attempts, key, position }: MessagePlan, about: Identity) {
  let atMs = sentMs
  for (const [at, attempt] of attempts.entries()) {
    if (at > 0) atMs += attempt.afterMs
    const incarnation = about.incarnation + (at > 0 && attempt.isByNextStart ? 1 : 0)
    const writer = { role: 'producer', actor: about.producer, incarnation } as const
    stage.write(writer, atMs, about, { type: 'invoke', key, count: at + 1 })
    if (attempt.outcome === null) continue
    stage.write(writer, atMs + attempt.waitMs, about, {
      type: attempt.outcome,
      key,
      ...(attempt.outcome === 'ok'
        ? {
            flags: attempt.isKnown ? 1 : 0,
            count: attempt.receivers,
            position: attempt.isElsewhere ? 2n : position,
          }
        : { flags: 1 }),
    })
  }
}

function relay(stage: Stage, { sentMs, key, route }: MessagePlan, about: Identity) {
  const writer = pick(stage.relays, route?.by ?? 0)
  if (route === null || writer === undefined) return
  const takenMs = sentMs + route.afterMs
  if (route.isTaken) stage.write(writer, takenMs, about, { type: 'taken', key })
  if (route.decision === null) return
  const workers = stage.hands.flat().filter(({ role }) => role === 'worker')
  const nobody: ActorId = { role: 'worker', actor: 9, incarnation: 0 }
  const to = pick([...workers, nobody], route.to) ?? nobody
  stage.write(writer, takenMs + route.waitMs, about, {
    type: route.decision,
    key,
    ...(route.decision === 'noWorker' ? {} : { actor: to.actor, count: to.incarnation }),
  })
}

function deliver(stage: Stage, slot: number, message: MessagePlan, about: Identity) {
  const { key, position } = message
  const { deliveries, stray } = fateOf(message, slot)
  const hands = stage.hands[slot] ?? []
  let atMs = message.sentMs
  for (const [at, delivery] of deliveries.entries()) {
    const worker = pick(hands, delivery.by)
    if (worker === undefined) return
    atMs += delivery.afterMs
    stage.write(worker, atMs, about, {
      type: 'recv',
      key,
      count: at + 1,
      position: delivery.isElsewhere ? 3n : position,
    })
    const doneMs = atMs + delivery.workMs
    for (const end of delivery.ends) {
      const [type, flags] = end === 'gave up' ? (['throw', givenUpFlag] as const) : [end, 0]
      stage.write(worker, doneMs, about, { type, key, flags })
    }
    if (delivery.lostMs !== null) {
      stage.write(worker, atMs + delivery.lostMs, about, { type: 'lost', key })
    }
    if (delivery.settled === null) continue
    const settled = { type: 'settled', key, flags: delivery.settled } as const
    stage.write(worker, doneMs + delivery.settleMs, about, settled)
  }
  const [other] = hands
  if (stray !== null && other !== undefined) {
    stage.write(other, atMs, about, { type: stray, key })
  }
}

/** What the readers find at the end. */
function leave(stage: Stage, slot: number, message: MessagePlan, about: Identity) {
  const { dead, deadBy, deadFailures, left } = fateOf(message, slot)
  const { key } = message
  const hasDrain = stage.hands[slot]?.some(({ role }) => role === 'drainReader')
  const reader = readerOf(hasDrain ? 'drainReader' : 'deadReader', slot)
  for (let copy = 0; copy < dead; copy++) {
    stage.write(readerOf('deadReader', slot), endMs, about, {
      ...{ type: 'dead', key, flags: deadBy, count: deadFailures + copy },
    })
  }
  for (let copy = 0; copy < left; copy++) stage.write(reader, endMs, about, { type: 'left', key })
}

function fateOf({ fates }: MessagePlan, slot: number): FatePlan {
  return slot === 0 ? fates[0] : fates[1]
}

/** Records of messages that nobody has published. */
function addStrangers(stage: Stage, { strangers }: Plan) {
  for (const { by, atMs, type, producer, sequence } of strangers) {
    const writer = pick(writersOf(stage, type), by)
    const about = { producer, incarnation: 0, sequence }
    if (writer !== undefined) stage.write(writer, atMs, about, { type, flags: 0x80 })
  }
}

function writersOf(stage: Stage, type: RecordType): readonly ActorId[] {
  if (type === 'taken') return stage.relays
  if (type === 'dead' || type === 'left') return [readerOf('deadReader', 0)]
  return stage.hands.flat()
}

function pick<Value>(values: readonly Value[], number: number): Value | undefined {
  return values[number % values.length]
}
