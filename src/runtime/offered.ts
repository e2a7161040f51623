import type { Contract } from '../core/contract.ts'
import type { ChannelOptions, PublishOptions, SubscribeOptions } from './api.ts'

/** What only messages have that are kept until they are settled. */
type KeptOption = 'leaseMs' | 'attempts' | 'deliveriesMax' | 'backoff' | 'retention'

/** Wishes that a contract says no to: to name one does not compile. */
type Refused<K extends Contract> =
  | (K['settle'] extends 'none' ? KeptOption : never)
  | (K['keyOrder'] extends 'no' ? 'order' | 'onFailure' : never)
  | (K['dedupe'] extends { readonly publishWindowMsMax: null; readonly consume: 'no' }
      ? 'dedupe'
      : never)

type Never<Names extends PropertyKey> = { readonly [Name in Names]?: never }

/** `Contract` itself says neither yes nor no: then every wish compiles, and opening checks it. */
export type ChannelOptionsOf<K extends Contract, In, Out> = ChannelOptions<In, Out> &
  Never<Refused<K>>

export type PublishOptionsOf<K extends Contract> = PublishOptions &
  (K['delay']['how'] extends 'no' ? Never<'delayMs'> : unknown)

export type SubscribeOptionsOf<K extends Contract, Out> = SubscribeOptions<Out> &
  (K['settle'] extends 'none' ? Never<'group' | 'from' | 'deafAfterMs'> : unknown)

/** The arguments of a call that needs something to settle. */
export type IfSettled<
  K extends Contract,
  Arguments extends readonly unknown[],
> = K['settle'] extends 'none' ? [never] : Arguments
