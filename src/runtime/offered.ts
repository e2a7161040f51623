import type { Contract, Contracts } from '../core/contract.ts'
import type { Pattern } from '../core/message.ts'
import type { ChannelOptions, DeliveriesOptions, PublishOptions, SubscribeOptions } from './api.ts'

/** What only messages have that are kept until they are settled. */
type KeptOption = 'leaseMs' | 'attempts' | 'deliveriesMax' | 'backoff' | 'retention'

/** Wishes that a contract says no to: to name one does not compile. */
type Refused<K extends Contract> =
  | (K['settle'] extends 'none' ? KeptOption : never)
  | (K['retention'] extends false ? 'retention' : never)
  | (K['keyOrder'] extends 'no' ? 'order' | 'onFailure' : never)
  | (K['dedupe'] extends { readonly publishWindowMsMax: null; readonly consume: 'no' }
      ? 'dedupe'
      : never)

type Never<Names extends PropertyKey> = { readonly [Name in Names]?: never }

/** What each pattern has no use for, or needs. Where it may be any of them all compiles. */
type By<P extends Pattern, Each extends Record<Pattern, unknown>> = Pattern extends P
  ? unknown
  : Each[P]

type OfChannel = {
  queue: Never<'via' | 'strategy' | 'retention'>
  stream: Never<'via' | 'strategy'>
  broadcast: Never<'via' | 'strategy'>
  narrowcast: { via?: 'direct' } | { via: 'relay'; strategy?: never }
}

type OfReading = {
  queue: Never<'group' | 'from'>
  stream: { group: string }
  broadcast: unknown
  narrowcast: unknown
}

/** The pattern, where the contract says so much that wishes can be refused. */
export type PatternOf<C extends Contracts, P extends Pattern & keyof C> =
  Contract extends NonNullable<C[P]> ? Pattern : P

/** `Contract` itself says neither yes nor no: then every wish compiles, and opening checks it. */
export type ChannelOptionsOf<K extends Contract, P extends Pattern, In, Out> = ChannelOptions<
  In,
  Out
> &
  Never<Refused<K>> &
  (K['settle'] extends 'none' ? { publish?: { retry?: false | 'safe' } } : unknown) &
  (K['plainData'] extends false ? { envelope?: true } : unknown) &
  By<P, OfChannel>

/** A narrowcast where the driver has no relays. */
export type RoutedBy<C extends Contracts, P extends Pattern> = P extends 'narrowcast'
  ? 'narrowcast-relay' extends keyof C
    ? unknown
    : { via?: 'direct' }
  : unknown

export type PublishOptionsOf<K extends Contract> = PublishOptions &
  (K['delay']['how'] extends 'no' ? Never<'delayMs'> : unknown)

export type SubscribeOptionsOf<K extends Contract, P extends Pattern, Out> = SubscribeOptions<Out> &
  (K['settle'] extends 'none'
    ? Never<'group' | 'from' | 'deafAfterMs'>
    : 'none' extends K['settle']
      ? unknown
      : Never<'holdMax'>) &
  By<P, OfReading>

export type DeliveriesOptionsOf<P extends Pattern> = DeliveriesOptions & By<P, OfReading>

/** Options that may be left out, except on a stream: the group that reads must be named. */
export type Reading<P extends Pattern, Options> = [P] extends ['stream']
  ? [options: Options]
  : [options?: Options]

/** The arguments of a call that needs something to settle. */
export type IfSettled<
  K extends Contract,
  Arguments extends readonly unknown[],
> = K['settle'] extends 'none' ? [never] : Arguments
