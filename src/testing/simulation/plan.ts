import type { Pattern } from '../../core/message.ts'
import { seededRandom } from '../../runtime/random.ts'
import { calm, type Weather } from './network.ts'

/** What the handler does with a message. */
export type Behaviour =
  | { readonly kind: 'ack'; readonly ms: number }
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
  /** Takes its process down. */
  | { readonly kind: 'killer'; readonly ms: number }
  /** Never reaches a handler: it does not fit the schema. */
  | { readonly kind: 'invalid' }

export interface Sent {
  readonly id: string
  readonly atMs: number
  readonly delayMs: number
  readonly behaviour: Behaviour
}

export type Fault =
  | { readonly kind: 'kill' | 'drop' | 'deploy'; readonly atMs: number }
  | { readonly kind: 'freeze' | 'outage'; readonly atMs: number; readonly ms: number }
  | { readonly kind: 'wallJump'; readonly atMs: number; readonly ms: number }

/** A schedule, drawn from its seed: who does what when, and what goes wrong. */
export interface Plan {
  readonly seed: number
  /** Nothing may be counted against anybody: no process and no connection comes to harm. */
  readonly isCalm: boolean
  readonly pattern: Pattern
  readonly groups: readonly (string | null)[]
  readonly workersPerGroup: number
  readonly worker: 'single' | 'batch' | 'deliveries'
  readonly concurrency: number
  readonly batchSize: number
  readonly leaseMs: number
  readonly runMsMax: number
  readonly attempts: number
  readonly deliveriesMax: number
  readonly backoff: { readonly delayMsMin: number; readonly delayMsMax: number }
  readonly dedupe: 'none' | 'publish' | 'consume'
  readonly retry: false | 'safe' | 'always'
  readonly messages: readonly Sent[]
  readonly faults: readonly Fault[]
  readonly weather: Weather
  /** Until then things go wrong. */
  readonly activeMs: number
}

export function planOf(seed: number): Plan {
  const random = seededRandom(seed)
  const upTo = (max: number) => Math.floor(random() * (max + 1))
  const between = (min: number, max: number) => min + upTo(max - min)
  const oneOf = <T>(...values: readonly T[]): T => values[upTo(values.length - 1)] as T
  const isCalm = random() < 0.2
  const leaseMs = oneOf(200, 400, 800)
  const activeMs = leaseMs * between(2, 6)
  const attempts = between(1, 4)
  const pattern = oneOf<Pattern>('queue', 'queue', 'stream')
  const worker = oneOf<Plan['worker']>('single', 'single', 'batch', 'deliveries')

  const behaviour = (): Behaviour => {
    const draw = random()
    const ms = random() < 0.3 ? 0 : upTo(leaseMs / 4)
    if (draw < 0.5) return { kind: 'ack', ms }
    if (draw < 0.62) return { kind: 'ack', ms: leaseMs * between(1, 2) + upTo(leaseMs) }
    if (draw < 0.76) return { kind: 'fail', ms, times: between(1, attempts + 1) }
    if (draw < 0.84) return { kind: 'retry', ms, times: 1, delayMs: upTo(leaseMs) }
    if (draw < 0.9) return { kind: 'dead', ms }
    // Of a batch all would fail, and open deliveries have no time limit.
    if (draw < 0.93 && worker === 'single') return { kind: 'overrun' }
    if (draw < 0.96) return { kind: 'invalid' }
    return isCalm ? { kind: 'ack', ms } : { kind: 'killer', ms }
  }
  const fault = (): Fault => {
    const atMs = upTo(activeMs)
    if (isCalm) {
      if (random() < 0.5) return { kind: 'deploy', atMs }
      return { kind: 'wallJump', atMs, ms: between(-10, 10) * 1_000_000 }
    }
    const kind = oneOf<Fault['kind']>('kill', 'kill', 'drop', 'drop', 'deploy', 'freeze', 'outage')
    if (kind === 'freeze') return { kind, atMs, ms: upTo(leaseMs * 3) }
    if (kind === 'outage') return { kind, atMs, ms: upTo(leaseMs * 2) }
    return { kind: kind as 'kill', atMs }
  }
  const rough = (): Weather => ({
    latencyMsMax: oneOf(2, 10, leaseMs / 2, leaseMs * 1.5),
    replyLost: oneOf(0, 0.02, 0.1),
    refused: oneOf(0, 0.05),
    unknown: oneOf(0, 0.05),
  })
  const sent = (_: unknown, n: number): Sent => {
    // Now and then a producer sends an id a second time.
    const isTwin = n > 0 && random() < 0.08
    return {
      id: `m${isTwin ? n - 1 : n}`,
      atMs: upTo(activeMs),
      delayMs: random() < 0.15 ? upTo(leaseMs) : 0,
      behaviour: behaviour(),
    }
  }
  const dedupe = oneOf<Plan['dedupe']>('none', 'none', 'publish', 'consume')
  return {
    seed,
    isCalm,
    pattern,
    groups: pattern === 'queue' ? [null] : oneOf<string[]>(['mail'], ['mail', 'stats']),
    workersPerGroup: between(1, 2),
    worker,
    concurrency: between(1, 4),
    batchSize: between(1, 4),
    leaseMs,
    runMsMax: leaseMs * 4,
    attempts,
    deliveriesMax: between(2, 4),
    backoff: { delayMsMin: oneOf(0, 5, 20), delayMsMax: oneOf(20, 100, leaseMs) },
    // Open deliveries leave dedupe on consume to their holder.
    dedupe: dedupe === 'consume' && worker === 'deliveries' ? 'none' : dedupe,
    retry: oneOf<Plan['retry']>(false, 'safe', 'always'),
    messages: Array.from({ length: between(2, 10) }, sent),
    faults: Array.from({ length: between(isCalm ? 0 : 1, 4) }, fault),
    weather: isCalm ? calm : rough(),
    activeMs,
  }
}
