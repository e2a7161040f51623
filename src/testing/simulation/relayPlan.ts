import { seededRandom } from '../../runtime/random.ts'
import type { Weather } from './network.ts'

export interface RelayFault {
  /** leave: it is closed, and another takes its place. */
  readonly kind: (typeof kinds)[number]
  readonly atMs: number
  readonly ms: number
  /** Whom it meets; the next that lives. */
  readonly victim: number
}

/** A schedule of publishers, relays and workers of one narrowcast, drawn from its seed. */
export interface RelayPlan {
  readonly seed: number
  readonly pattern: 'narrowcast'
  readonly relays: number
  readonly workers: number
  readonly leaseMs: number
  /** How long a message may wait for a worker; null: not at all. */
  readonly holdMs: number | null
  readonly publishMs: readonly number[]
  readonly faults: readonly RelayFault[]
  readonly weather: Weather
  readonly activeMs: number
}

const kinds = ['kill', 'leave', 'leave', 'freeze', 'freeze', 'drop', 'outage', 'wallJump'] as const

export function relayPlanOf(seed: number): RelayPlan {
  const random = seededRandom(seed)
  const upTo = (max: number) => Math.floor(random() * (max + 1))
  const oneOf = <V>(...values: readonly V[]) => values[upTo(values.length - 1)] as V
  const leaseMs = oneOf(300, 600)
  const activeMs = leaseMs * (2 + upTo(4))
  return {
    ...{ seed, pattern: 'narrowcast', leaseMs, activeMs },
    relays: 1 + upTo(2),
    workers: 1 + upTo(2),
    holdMs: oneOf(null, leaseMs, leaseMs * 4),
    publishMs: Array.from({ length: 2 + upTo(10) }, () => upTo(activeMs)).sort((a, b) => a - b),
    faults: Array.from({ length: upTo(5) }, () => {
      const kind = oneOf(...kinds)
      const ms = kind === 'wallJump' ? (upTo(20) - 10) * 1_000_000 : upTo(leaseMs * 3)
      return { kind, atMs: upTo(activeMs), ms, victim: upTo(9) }
    }),
    weather: {
      latencyMsMax: oneOf(2, 10, leaseMs / 2, leaseMs * 1.5),
      replyLost: oneOf(0, 0.02, 0.1),
      refused: oneOf(0, 0.05),
      unknown: oneOf(0, 0.05),
    },
  }
}
