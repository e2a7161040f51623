import { memory } from '../../drivers/memory/index.ts'
import { type Chance, type Lie, liar } from '../../testing/liar.ts'
import { virtualClock } from '../../testing/virtualClock.ts'
import type { GroupAccount } from '../checker/accounting.ts'
import type { BiteCondition } from '../checker/bites.ts'
import { type GroupJudgement, judge } from '../checker/judge.ts'
import { type Verdict, verdictOf } from '../checker/verdict.ts'
import { drawFrom } from '../draw.ts'
import { probeProducer } from '../identity.ts'
import type { PlannedFault, RunPlan } from '../plan.ts'
import { judgedFaults, unhitKinds } from './faultHits.ts'
import { InProcessStage } from './inProcessStage.ts'
import { type Played, play } from './play.ts'

export function killsAt(...times: readonly number[]): PlannedFault[] {
  return times.map((atMs) => ({ kind: 'kill', target: 'busiest', atMs, restartAfterMs: 500 }))
}

export function stopAt(atMs: number, forMs: number): PlannedFault {
  return { kind: 'stop', target: 'busiest', atMs, forMs }
}

const channel: RunPlan['channel'] = {
  ...{ name: 'lab', pattern: 'queue', via: 'direct', order: 'none' },
  ...{ leaseMs: 2_000, attempts: 2, deliveriesMax: 10, dedupeWindowMs: 60_000 },
}
const load: RunPlan['load'] = {
  ...{ messages: 300, perSecond: 400, producers: 2, workers: 4, concurrency: 4 },
  ...{ handlerMs: 20, keys: 16, bytes: 64, poisonShare: 0.01, againShare: 0.5 },
  ...{ killers: 0, slowFactor: 1, surge: null, startsLate: false, triesMax: 1 },
}
/** Enough for each of two to say how even that was. */
const ofTwo: Partial<RunPlan> = { faults: [], load: { ...load, messages: 900, workers: 2 } }
/** Somebody else is at it when the one that was stopped comes to its end. */
const ofAZombie: Partial<RunPlan> = {
  faults: [stopAt(400, 2_500)],
  load: { ...load, messages: 14, handlerMs: 1_500, poisonShare: 0 },
}

/** In what run each lie shows, where it is not the usual one. */
const changes: Partial<Record<Lie, Partial<RunPlan>>> = {
  // A death would be a legal reason for some of the repeats that this lie makes.
  'forgets ids that it should know': { faults: [] },
  'lets some wait that are due': { channel: { ...channel, order: 'key' } },
  'accepts a late settle': ofAZombie,
  'lets two owners settle': ofAZombie,
  'puts behind what comes again': { channel: { ...channel, order: 'key' } },
  'starves a worker': ofTwo,
  'prefers a worker': ofTwo,
  'forgets who died of it': {
    channel: { ...channel, deliveriesMax: 3 },
    load: { ...load, killers: 2 },
  },
  // For longer than anybody may be deaf.
  'goes deaf': { faults: [], load: { ...load, perSecond: 4 } },
}

export function planFor(lie: Lie, seed: number): RunPlan {
  const usual = { run: { name: 'r1', number: 1n }, channel, load, faults: killsAt(200, 450) }
  return { ...usual, seed, ...changes[lie] }
}

/** About a share of all messages, by the seed. */
function byChance({ seed }: RunPlan): Chance {
  const draw = drawFrom(seed, 'lies')
  return (id) => draw(sequenceOf(id))
}

export function sequenceOf(id: string): number {
  return Number(/\d+$/.exec(id)?.[0])
}

/** Plays it on a broker in memory that lies, but not about probes. */
export async function played(
  lie: Lie,
  plan: RunPlan,
  chance: Chance = byChance(plan),
): Promise<Played> {
  const clock = virtualClock()
  const isProbe = (id: string) => id.includes(`-p${probeProducer}-`)
  const broker = liar(memory({ clock }), lie, (id) => (isProbe(id) ? 1 : chance(id)))
  return await clock.runUntil(play(plan, new InProcessStage(plan, broker, clock)))
}

export interface Judged {
  readonly all: GroupAccount
  readonly group: GroupJudgement
  /** Checks that are not held. */
  readonly red: string[]
  readonly status: Verdict['status']
}

export async function judged(
  lie: Lie,
  seed: number,
  change: Partial<RunPlan> = {},
  conditions: readonly BiteCondition[] = [],
  chance?: Chance,
): Promise<Judged> {
  const plan = { ...planFor(lie, seed), ...change }
  const { evidence, run, isDrained, isBarrierReached, ...rest } = await played(lie, plan, chance)
  const faults = judgedFaults(rest.faults, evidence.ledgers, rest.zeroNs)
  const { groups, disagreements, bites, ownEnds } = judge(evidence, run, 250, conditions)
  const [group] = groups as [GroupJudgement]
  const { account: all, checks } = group
  const red = checks.filter(({ status }) => status !== 'held').map(({ id }) => id)
  const unhit = unhitKinds(plan.faults, faults)
  const course = { isBarrierReached, isDrained, disagreements, bites, unhit, ownEnds }
  const { messages } = plan.load
  const sent = { planned: messages, attempted: all.attempted }
  return { all, group, red, status: verdictOf(checks, { ...course, ...sent }).status }
}
