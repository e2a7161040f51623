import type { ChannelSpec } from './channel.ts'
import { NarrowcastError } from './errors.ts'
import type { Count, Pattern } from './message.ts'

export type Loss = 'worker-crash' | 'broker-restart' | 'broker-crash' | 'node-loss' | 'power-loss'

export interface Order {
  readonly scope: 'none' | 'publisher' | 'key' | 'channel'
  readonly condition?: string
  /** workers: between processes too, and after a takeover. */
  readonly across: 'worker' | 'workers'
  readonly afterRetry: 'kept' | 'lost'
}

/**
 * What holds for one channel with its options on this broker. Data: printed, checked when the
 * channel opens, tested both ways.
 */
export interface Contract {
  readonly delivery: 'at-most-once' | 'at-least-once'
  /** True when `publish` resolves. */
  readonly stored: {
    readonly in: 'nowhere' | 'memory' | 'page-cache' | 'disk'
    readonly copies: Count
  }
  readonly survives: Readonly<
    Record<Loss, 'yes' | 'no' | 'unknown' | { readonly lossWindowMs: number }>
  >
  readonly settle: 'confirmed' | 'sent' | 'watermark' | 'none'
  /** Who refuses the token of a former owner. */
  readonly fencing: 'token' | 'connection' | 'generation' | 'clock' | 'none'
  readonly counts: {
    readonly failures: 'exact' | 'mixed' | 'no'
    readonly crashes: 'exact' | 'head' | 'mixed' | 'no'
  }
  /**
   * Giving back. free: to the head, uncharged. copied: uncharged, behind what waits, and twice there
   * where a crash comes in between. counted: by the broker. none: it stays until the next owner.
   */
  readonly release: 'free' | 'copied' | 'counted' | 'none'
  /** In which order messages are handed out. */
  readonly order: Order
  /** With `order: 'key'`: one of a key at a time over all workers, in order, also across retries. */
  readonly keyOrder: 'native' | 'emulated' | 'no'
  /** When what a dead reader held comes again, its lease included. */
  readonly redelivery: {
    readonly how: 'none' | 'on-release' | 'on-lease'
    readonly withinMs: number
  }
  /** The real delay lies in [wish, wish × (1 + errorShare) + errorMs]. */
  readonly delay: {
    readonly how: 'native' | 'emulated' | 'no'
    readonly errorMs: number
    readonly errorShare: number
    readonly msMax: number
  }
  readonly dedupe: {
    /** The longest window; null: no publish-dedupe. */
    readonly publishWindowMsMax: number | null
    readonly consume: 'here' | 'no'
  }
  /** durable: a position is never given twice. reusable: a store that lost its tail may. */
  readonly positions: 'durable' | 'reusable' | 'none'
  readonly replay: boolean
  /** A stream forgets by its `retention`; where not, that is a setting of the broker alone. */
  readonly retention: boolean
  readonly seek: boolean
  readonly pause: boolean
  readonly deadLetters: boolean
  /** List, purge, remove. named: without the list, of a channel whose name one knows. */
  readonly manage: boolean | 'named'
  readonly peek: 'exact' | 'approximate' | 'no'
  readonly depth: 'exact' | 'estimate' | 'no'
  /** A source can tell what it could be handed now; that is what finds a deaf one. */
  readonly watchdog: boolean
  /** What becomes of a message that nobody is there for. */
  readonly noReader: 'kept' | 'dropped-reported' | 'dropped-silently' | 'refused'
  /**
   * What the receipt of a live pattern says: how many were given it; whether anybody was, that is 0
   * or nothing; nothing at all.
   */
  readonly receivers: 'counted' | 'whether-any' | 'no'
  /** A live subscriber is given what came while its connection was away. */
  readonly resumes: boolean
  /** Losses of a live pattern that are always told. */
  readonly tells: readonly ('no-worker' | 'overflow')[]
  /** Longest wait of an idle reader for a message that this library published. */
  readonly wakeMs: number
  readonly payloadBytesMax: number
  /** Data can travel alone, without id, key, time or headers around it: `envelope: false`. */
  readonly plainData: boolean
  /** Where the broker itself says so. */
  readonly source: string
}

/** Narrowcast by relay promises other things than narrowcast by the publisher's own choice. */
export type ContractRow = Pattern | 'narrowcast-relay'

/** The most that a driver promises. A row that is absent is refused. */
export type Contracts = Readonly<Partial<Record<ContractRow, Contract>>>

export function contractRow({ pattern, via }: Pick<ChannelSpec, 'pattern' | 'via'>): ContractRow {
  return pattern === 'narrowcast' && via === 'relay' ? 'narrowcast-relay' : pattern
}

/** Each value from weak to strong, where a driver may only go down from what it claimed. */
const ranks: Readonly<Record<string, readonly unknown[]>> = {
  delivery: ['at-most-once', 'at-least-once'],
  'stored.in': ['nowhere', 'memory', 'page-cache', 'disk'],
  settle: ['none', 'sent', 'watermark', 'confirmed'],
  fencing: ['none', 'clock', 'generation', 'connection', 'token'],
  'counts.failures': ['no', 'mixed', 'exact'],
  'counts.crashes': ['no', 'mixed', 'head', 'exact'],
  release: ['none', 'counted', 'copied', 'free'],
  keyOrder: ['no', 'emulated', 'native'],
  'dedupe.consume': ['no', 'here'],
  positions: ['none', 'reusable', 'durable'],
  replay: [false, true],
  retention: [false, true],
  seek: [false, true],
  pause: [false, true],
  deadLetters: [false, true],
  manage: [false, 'named', true],
  peek: ['no', 'approximate', 'exact'],
  depth: ['no', 'estimate', 'exact'],
  watchdog: [false, true],
  noReader: ['dropped-silently', 'dropped-reported', 'refused', 'kept'],
  receivers: ['no', 'whether-any', 'counted'],
  resumes: [false, true],
  plainData: [false, true],
  'survives.worker-crash': ['no', 'unknown', 'yes'],
  'survives.broker-restart': ['no', 'unknown', 'yes'],
  'survives.broker-crash': ['no', 'unknown', 'yes'],
  'survives.node-loss': ['no', 'unknown', 'yes'],
  'survives.power-loss': ['no', 'unknown', 'yes'],
}

const ranked = Object.entries(ranks).map(([path, values]) => ({
  path,
  names: path.split('.'),
  values,
}))

function at(contract: Contract, names: readonly string[]): unknown {
  return names.reduce<unknown>((value, name) => (value as Record<string, unknown>)[name], contract)
}

/**
 * Compares a contract found on a broker with the most that the driver claims, field by field.
 * @throws INTERNAL for a stronger one: a driver may only weaken its claim.
 */
export function checkNotStronger(driver: string, most: Contract, found: Contract): void {
  for (const { path, names, values } of ranked) {
    const claimed = at(most, names)
    const value = at(found, names)
    if (values.indexOf(value) <= values.indexOf(claimed)) continue
    throw new NarrowcastError(
      'INTERNAL',
      `${driver}: the contract found says ${path} = ${String(value)}, the driver claims at most ${String(claimed)}`,
      { driver },
    )
  }
}
