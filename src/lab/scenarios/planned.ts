import { isLive, type Pattern } from '../../core/message.ts'
import { dueMs, type Load } from '../load.ts'
import type { ChannelPlan, FaultTarget, PlannedFault } from '../plan.ts'
import { type Breakable, drawn } from './drawn.ts'
import type { Fault, Scenario, Settings } from './scenario.ts'
import { stoppedMs } from './stoppedMs.ts'

const loadDefault: Load = {
  ...{ messages: 10_000, perSecond: 400, producers: 2, workers: 4, concurrency: 4 },
  ...{ handlerMs: 20, keys: 16, bytes: 256, poisonShare: 0, killers: 0, againShare: 0 },
  ...{ slowFactor: 1, surge: null, startsLate: false, triesMax: 1 },
}

const settingsDefault: Settings = {
  ...{ leaseMs: 2_000, attempts: 4, deliveriesMax: 10 },
  ...{ dedupeWindowMs: null, order: 'none' },
}

/** Of a broadcast each worker has all messages, and is to keep up with them. */
const concurrencyOfBroadcast = 16

/** The load of a scenario, where `changed` has nothing else. */
export function loadOf(
  { load, live }: Pick<Scenario, 'load' | 'live'>,
  pattern: Pattern,
  changed: Partial<Load>,
): Load {
  const ofPattern = pattern === 'broadcast' ? { concurrency: concurrencyOfBroadcast } : {}
  const ofKind = isLive(pattern) ? defined(live) : {}
  return { ...loadDefault, ...ofPattern, ...defined(load), ...ofKind, ...changed }
}

export function channelOf(
  { settings }: Pick<Scenario, 'settings'>,
  changed: Partial<Settings>,
  channel: Pick<ChannelPlan, 'name' | 'pattern' | 'via'>,
): ChannelPlan {
  return { ...channel, ...settingsDefault, ...defined(settings), ...changed }
}

/** What was left out is not there; what is there and undefined is left out. */
function defined<T extends object>(given: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const all = Object.entries(given).filter(([, value]) => value !== undefined)
  return Object.fromEntries(all) as { [K in keyof T]?: Exclude<T[K], undefined> }
}

/** What the faults of a run depend on beside its scenario. */
export interface FaultScene {
  readonly load: Load
  readonly channel: ChannelPlan
  readonly seed: number
  readonly breakable: Breakable
}

/** Every time that each fault comes, by time. */
export function faultsOf({ faults }: Pick<Scenario, 'faults'>, scene: FaultScene): PlannedFault[] {
  return faults
    .flatMap((fault) => planned(fault, scene))
    .sort((one, other) => one.atMs - other.atMs)
}

function planned(fault: Fault, scene: FaultScene): PlannedFault[] {
  const { load, channel } = scene
  const msOf = (moment: string) => millisecondsOf(moment, load)
  if (fault.kind === 'any') {
    const { at, times, pauseMs } = fault
    return drawn({ atMs: msOf(at), times, pauseMs }, scene)
  }
  const everyMs = fault.every === undefined ? 0 : msOf(fault.every)
  const times = Array.from({ length: fault.times ?? 1 }, (_, at) => msOf(fault.at) + at * everyMs)
  if (fault.kind === 'churn') {
    // One leaves, then comes back, in turn.
    const leaves = times.filter((_, at) => at % 2 === 0)
    return leaves.map((atMs) => ({ kind: 'leave', atMs, restartAfterMs: everyMs }))
  }
  return times.map((atMs): PlannedFault => {
    if (fault.kind === 'kill') {
      const { restartAt } = fault
      const restartAfterMs = restartAt === undefined ? fault.restartAfterMs : msOf(restartAt) - atMs
      return { kind: fault.kind, target: targets[fault.target], atMs, restartAfterMs }
    }
    if (fault.kind === 'stop' || fault.kind === 'block') {
      const forMs = fault.forMs ?? stoppedMs(channel)
      return { kind: fault.kind, target: targets[fault.target], atMs, forMs }
    }
    if (fault.kind === 'network') {
      const { kind, rule, forMs } = fault
      return { kind, rule, target: targets[fault.target], atMs, forMs }
    }
    return { kind: fault.kind, atMs, forMs: fault.forMs }
  })
}

const targets = {
  'worker:busy': 'busiest',
  workers: 'workers',
  producers: 'producers',
  'relay:leading': 'relay',
} as const satisfies Readonly<Record<string, FaultTarget>>

function millisecondsOf(moment: string, load: Load): number {
  const amount = Number.parseFloat(moment)
  if (moment.endsWith('%')) return dueMs(load, Math.round((load.messages * amount) / 100))
  return moment.endsWith('ms') ? amount : amount * 1_000
}
