import { below, drawFrom } from '../draw.ts'
import { type ChannelPlan, lengthMs, type PlannedFault } from '../plan.ts'
import type { ProxyRule } from '../proxy/rule.ts'
import { stoppedMs } from './stoppedMs.ts'

/** What of a run can be broken where it takes place. */
export interface Breakable {
  /** Between the actors and a broker of its own. */
  readonly hasNetwork: boolean
  /** The broker is ours to end. */
  readonly hasBroker: boolean
}

interface Scene {
  readonly seed: number
  readonly channel: ChannelPlan
  readonly breakable: Breakable
}

type Card = PlannedFault extends infer F
  ? F extends PlannedFault
    ? Omit<F, 'atMs'>
    : never
  : never

/** A restart of a process, or of the broker: long enough that others notice. */
const awayMs = 1_000
const brokerAwayMs = 2_000
/** Longer than a default lease of the lab, so that who hears nothing loses what it has. */
const heldMs = 5_000
const slowMs = 3_000

/**
 * `times` faults in an order of the seed, one after the other: the next begins `pauseMs` after the one
 * before was healed. Each that there is comes before one comes again.
 */
export function drawn(
  { atMs, times, pauseMs }: { atMs: number; times: number; pauseMs: number },
  { seed, channel, breakable }: Scene,
): PlannedFault[] {
  let nextMs = atMs
  return shuffles(seed, times, (ofNetwork) => deck(channel, breakable, ofNetwork)).map((card) => {
    const fault: PlannedFault = { ...card, atMs: nextMs, pauseMs }
    nextMs += lengthMs(fault) + pauseMs
    return fault
  })
}

function shuffles(seed: number, count: number, deckOf: (seed: number) => Card[]): Card[] {
  const cards: Card[] = []
  for (let round = 0; cards.length < count; round++) {
    const draw = drawFrom(seed, `faults, round ${round}`)
    const rest = deckOf(below(draw, 2 ** 32)(0))
    for (let n = 1; rest.length > 0; n++) {
      cards.push(...rest.splice(below(draw, rest.length)(n), 1))
    }
  }
  return cards.slice(0, count)
}

function deck(channel: ChannelPlan, { hasNetwork, hasBroker }: Breakable, seed: number): Card[] {
  return [
    { kind: 'kill', target: 'busiest', restartAfterMs: awayMs },
    { kind: 'kill', target: 'workers', restartAfterMs: awayMs },
    { kind: 'kill', target: 'producers', restartAfterMs: awayMs },
    ...(channel.via === 'relay'
      ? [{ kind: 'kill', target: 'relay', restartAfterMs: awayMs } as const]
      : []),
    { kind: 'stop', target: 'busiest', forMs: stoppedMs(channel) },
    { kind: 'block', target: 'busiest', forMs: stoppedMs(channel) },
    { kind: 'leave', restartAfterMs: awayMs },
    ...(hasNetwork ? networkCards(seed) : []),
    ...(hasBroker
      ? ([
          { kind: 'broker-stop', forMs: brokerAwayMs },
          { kind: 'broker-crash', forMs: brokerAwayMs },
        ] as const)
      : []),
    ...(hasBroker && hasNetwork ? [{ kind: 'broker-freeze', forMs: heldMs } as const] : []),
  ]
}

function networkCards(seed: number): Card[] {
  const of = (target: 'workers' | 'producers', rule: ProxyRule, forMs: number): Card => {
    return { kind: 'network', target, rule, forMs }
  }
  const slow = { kind: 'delay', ms: 50, jitterMs: 50, seed } as const
  return [
    of('workers', { kind: 'hold' }, heldMs),
    of('producers', { kind: 'hold' }, heldMs),
    of('workers', { kind: 'half', held: 'up' }, heldMs),
    of('producers', { kind: 'half', held: 'down' }, heldMs),
    of('workers', { kind: 'reset' }, 0),
    of('producers', { kind: 'reset' }, 0),
    of('workers', slow, slowMs),
    of('producers', slow, slowMs),
    of('producers', { kind: 'lostAck', p: 0.05, seed }, slowMs),
    of('workers', { kind: 'slice', bytes: 100 }, slowMs),
  ]
}
