import type { Pattern } from '../../core/message.ts'
import { seededRandom } from '../../runtime/random.ts'
import { calm, type Weather } from './network.ts'

/** Longer than anything in a schedule takes. */
export const longMs = 10_000_000

/** What the handler does with a message. */
export type Behaviour =
  | { readonly kind: 'ack'; readonly ms: number }
  /** As ack, but ends when its signal fires. */
  | { readonly kind: 'obey'; readonly ms: number }
  /** Throws so often, then it is well. */
  | { readonly kind: 'fail'; readonly ms: number; readonly times: number }
  /** Asks for a retry with a delay of its own, so often. */
  | {
      readonly kind: 'retry'
      readonly ms: number
      readonly times: number
      readonly delayMs: number
    }
  | { readonly kind: 'dead'; readonly ms: number }
  /** Runs until it is aborted. */
  | { readonly kind: 'overrun' }
  /** Runs until it is aborted, and on for so long. */
  | { readonly kind: 'hang'; readonly ms: number }
  /** Takes its process down. */
  | { readonly kind: 'killer'; readonly ms: number }
  /** Never reaches a handler: it does not fit the schema. */
  | { readonly kind: 'invalid' }

export interface Sent {
  readonly channel: string
  readonly id: string
  readonly atMs: number
  readonly delayMs: number
  readonly behaviour: Behaviour
}

export type Fault =
  | { readonly kind: 'kill' | 'drop'; readonly atMs: number }
  | {
      readonly kind: 'freeze' | 'outage' | 'wallJump'
      readonly atMs: number
      readonly ms: number
    }
  /** A worker is drained, for so long, and another takes its place. */
  | { readonly kind: 'deploy'; readonly atMs: number; readonly ms: number }

/** A schedule, drawn from its seed: who does what when, and what goes wrong. */
export interface Plan {
  readonly seed: number
  /** Nothing may be counted against anybody: no process and no connection comes to harm. */
  readonly isCalm: boolean
  readonly pattern: Pattern
  /** All of one bus. */
  readonly channels: readonly string[]
  readonly groups: readonly (string | null)[]
  readonly workersPerGroup: number
  readonly worker: 'single' | 'batch' | 'deliveries'
  readonly concurrency: number
  readonly batchSize: number
  readonly leaseMs: number
  readonly runMsMax: number
  readonly attempts: number
  readonly deliveriesMax: number
  readonly backoff: {
    readonly delayMsMin: number
    readonly delayMsMax: number
  }
  readonly dedupe: 'none' | 'publish' | 'consume'
  readonly retry: false | 'safe' | 'always'
  readonly messages: readonly Sent[]
  readonly faults: readonly Fault[]
  readonly weather: Weather
  /** Until then things go wrong. */
  readonly activeMs: number
}

/** Where messages are handed out: a queue has one line, a stream one for each group. */
export function lineOf(channel: string, group: string | null): string {
  return group === null ? channel : `${channel}/${group}`
}

/** Everything in a schedule comes from here, in one order. */
class Draws {
  readonly random: () => number

  constructor(seed: number) {
    this.random = seededRandom(seed)
  }

  upTo(max: number): number {
    return Math.floor(this.random() * (max + 1))
  }

  between(min: number, max: number): number {
    return min + this.upTo(max - min)
  }

  oneOf<T>(...values: readonly T[]): T {
    return values[this.upTo(values.length - 1)] as T
  }
}

export function planOf(seed: number): Plan {
  const draws = new Draws(seed)
  const isCalm = draws.random() < 0.2
  const leaseMs = draws.oneOf(200, 400, 800)
  const activeMs = leaseMs * draws.between(2, 6)
  const attempts = draws.between(1, 4)
  const pattern = draws.oneOf<Pattern>('queue', 'queue', 'stream')
  const worker = draws.oneOf<Plan['worker']>('single', 'single', 'batch', 'deliveries')
  const dedupe = draws.oneOf<Plan['dedupe']>('none', 'none', 'publish', 'consume')
  const channels = draws.oneOf(['work'], ['work', 'more'])
  const rules = { isCalm, leaseMs, activeMs, attempts, worker, channels }
  return {
    ...rules,
    seed,
    pattern,
    groups: pattern === 'queue' ? [null] : draws.oneOf<string[]>(['mail'], ['mail', 'stats']),
    workersPerGroup: draws.between(1, 2),
    concurrency: draws.between(1, 4),
    batchSize: draws.between(1, 4),
    runMsMax: leaseMs * 4,
    deliveriesMax: draws.between(2, 4),
    backoff: {
      delayMsMin: draws.oneOf(0, 5, 20),
      delayMsMax: draws.oneOf(20, 100, leaseMs),
    },
    // Open deliveries leave dedupe on consume to their holder.
    dedupe: dedupe === 'consume' && worker === 'deliveries' ? 'none' : dedupe,
    retry: draws.oneOf<Plan['retry']>(false, 'safe', 'always'),
    messages: allSent(draws, draws.between(2, 10), rules),
    faults: allFaults(draws, rules),
    weather: isCalm ? calm : rough(draws, leaseMs),
  }
}

type Rules = Pick<Plan, 'isCalm' | 'leaseMs' | 'activeMs' | 'attempts' | 'worker' | 'channels'>

function allSent(draws: Draws, count: number, rules: Rules): Sent[] {
  const all: Sent[] = []
  for (let n = 0; n < count; n++) all.push(sent(draws, n, all.at(-1), rules))
  return all
}

function sent(draws: Draws, n: number, before: Sent | undefined, rules: Rules): Sent {
  // Now and then a producer sends an id a second time.
  const twin = draws.random() < 0.08 ? before : undefined
  return {
    id: twin?.id ?? `m${n}`,
    channel: twin?.channel ?? draws.oneOf(...rules.channels),
    atMs: draws.upTo(rules.activeMs),
    delayMs: draws.random() < 0.15 ? draws.upTo(rules.leaseMs) : 0,
    behaviour: behaviour(draws, rules),
  }
}

function behaviour(draws: Draws, { leaseMs, attempts, worker, isCalm }: Rules): Behaviour {
  const draw = draws.random()
  const ms = draws.random() < 0.3 ? 0 : draws.upTo(leaseMs / 4)
  if (draw < 0.5) return { kind: 'ack', ms }
  if (draw < 0.62) {
    // A batch has no verdict for "I was aborted".
    const kind = worker === 'single' ? draws.oneOf<'ack' | 'obey'>('ack', 'obey') : 'ack'
    return { kind, ms: leaseMs * draws.between(1, 2) + draws.upTo(leaseMs) }
  }
  if (draw < 0.76) return { kind: 'fail', ms, times: draws.between(1, attempts + 1) }
  if (draw < 0.84) return { kind: 'retry', ms, times: 1, delayMs: draws.upTo(leaseMs) }
  if (draw < 0.9) return { kind: 'dead', ms }
  // Of a batch all would fail, and open deliveries have no time limit.
  if (draw < 0.93 && worker === 'single') {
    const isHung = draws.random() < 0.3
    return isHung ? { kind: 'hang', ms: draws.between(1, 2) * leaseMs } : { kind: 'overrun' }
  }
  if (draw < 0.96) return { kind: 'invalid' }
  return isCalm ? { kind: 'ack', ms } : { kind: 'killer', ms }
}

function allFaults(draws: Draws, rules: Rules): Fault[] {
  const count = draws.between(rules.isCalm ? 0 : 1, 4)
  const faults = Array.from({ length: count }, () => fault(draws, rules))
  if (draws.random() < 0.2) faults.push(wallJump(draws, draws.upTo(rules.activeMs)))
  return faults
}

/** As an operator or a time server does: hours forward or back. */
function wallJump(draws: Draws, atMs: number): Fault {
  return { kind: 'wallJump', atMs, ms: draws.between(-10, 10) * 1_000_000 }
}

function fault(draws: Draws, { isCalm, activeMs, leaseMs }: Rules): Fault {
  const atMs = draws.upTo(activeMs)
  const kind = isCalm
    ? draws.oneOf<Fault['kind']>('deploy', 'wallJump')
    : draws.oneOf<Fault['kind']>('kill', 'kill', 'drop', 'drop', 'deploy', 'freeze', 'outage')
  switch (kind) {
    case 'wallJump':
      return wallJump(draws, atMs)
    case 'deploy':
      return { kind, atMs, ms: draws.random() < 0.5 ? longMs : draws.upTo(leaseMs) }
    case 'freeze':
      return { kind, atMs, ms: draws.upTo(leaseMs * 3) }
    case 'outage':
      return { kind, atMs, ms: draws.upTo(leaseMs * 2) }
    default:
      return { kind, atMs }
  }
}

function rough(draws: Draws, leaseMs: number): Weather {
  return {
    latencyMsMax: draws.oneOf(2, 10, leaseMs / 2, leaseMs * 1.5),
    replyLost: draws.oneOf(0, 0.02, 0.1),
    refused: draws.oneOf(0, 0.05),
    unknown: draws.oneOf(0, 0.05),
  }
}
