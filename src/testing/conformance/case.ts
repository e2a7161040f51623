import type { ChannelSpec, Ordering } from '../../core/channel.ts'
import type { Contract, ContractRow } from '../../core/contract.ts'
import type { Driver, Session } from '../../core/driver.ts'
import type { KeptPattern, Pattern } from '../../core/message.ts'

/** What a case works in: a store, time, and names that nobody else uses. */
export interface World extends AsyncDisposable {
  readonly driver: Driver
  readonly pattern: Pattern
  /** The pattern, and of a narrowcast who picks the worker. */
  readonly row: ContractRow
  /** The most that the driver claims for this row. */
  readonly claimed: Contract
  /** Time is virtual: limits from above can be checked to the millisecond. */
  readonly isExact: boolean
  /** What readers ask for that a case leaves free; by key every message has one of its own. */
  readonly order: Ordering | null
  /** Fires when the case has run too long. */
  readonly signal: AbortSignal
  /** Open already; `open` gives others onto the same store, as another process has them. */
  readonly session: Session
  open(): Promise<Session>
  /** A channel of this pattern that nobody else uses; not declared yet. */
  channel(over?: Partial<ChannelSpec>): ChannelSpec
  /** Lets time pass. */
  pass(ms: number): Promise<void>
  /** Lets time pass until the promise settles. */
  until<T>(promise: Promise<T>): Promise<T>
  wallMs(): number
}

/** Throws when a promise is not kept. */
export type Check<W = World> = (world: W) => Promise<void>

/**
 * One promise of the contract. A case that depends on a claim carries its refusal: what is
 * declared as "no" is observed as one, never assumed.
 */
export type Case<W = World, Row extends ContractRow = KeptPattern> = {
  readonly name: string
  /** @default all that its list is for */
  readonly patterns?: readonly Row[]
} & (
  | { readonly run: Check<W> }
  | {
      readonly needs: (claimed: Contract) => boolean
      readonly run: Check<W>
      readonly refusal: Check<W>
    }
)

export type LiveRow = Exclude<ContractRow, KeptPattern>

/** A promise to those who are there now. */
export type LiveCase = Case<World, LiveRow>

/** Runs the side of the case that the contract has declared. */
export function runCase<W extends { readonly claimed: Contract }>(
  one: Case<W, ContractRow>,
  world: W,
): Promise<void> {
  const isClaimed = !('needs' in one) || one.needs(world.claimed)
  return isClaimed ? one.run(world) : one.refusal(world)
}
