import type { ChannelRef } from '../../core/channel.ts'
import { type Clock, systemClock } from '../../core/clock.ts'
import type { DeadEntry, Page } from '../../core/driver.ts'
import { NarrowcastError } from '../../core/errors.ts'
import { isLive } from '../../core/message.ts'
import type { BusAdmin } from '../api.ts'
import { whole } from '../checks.ts'

/** A dead letter of a plan: enough to send it, and to know it again where it dies anew. */
export interface PlannedLetter {
  readonly ref: string
  readonly id: string
  /** Redrives that it had behind it. */
  readonly redrives: number
}

/** What a redrive is meant for. It names every letter, so what dies later is never part of it. */
export interface RedrivePlan {
  readonly channel: ChannelRef
  /** Null: back to where each of them died. */
  readonly to: ChannelRef | null
  /** The oldest first. */
  readonly letters: readonly PlannedLetter[]
  /** Wall clock. */
  readonly plannedMs: number
}

export interface RedriveWish {
  readonly channel: ChannelRef
  /** Another channel than the one where they died. @default null: back to where they died */
  readonly to?: ChannelRef | null
  /** Streams: only the dead letters of this group. @default null: all */
  readonly group?: string | null
  /** @default all */
  readonly fits?: (entry: DeadEntry) => boolean
  /**
   * What was redriven so often and died each time is left out: it would only die again.
   * @default 3
   */
  readonly redrivesMax?: number
  /** A plan is kept in memory: at most 100,000. @default 100_000 */
  readonly lettersMax?: number
  readonly clock?: Clock
  /** Is shown every letter of the plan, with its message. */
  readonly onPlanned?: (entry: DeadEntry) => void
}

export interface PlannedRedrive extends RedrivePlan {
  /** Dead letters that lie there now, whether they fit or not. */
  readonly dead: number
  /** Fit, and were left out because of `redrivesMax`. */
  readonly leftOut: number
  /** Fit, and are more than `lettersMax`: the next plan takes them. */
  readonly more: number
}

const lettersMaxLimit = 100_000
export const redrivesMaxDefault = 3
/** Bodies may be large: a page of them must fit into memory. */
const pageLimit = 200

/**
 * Looks which dead letters a redrive would take. Changes nothing.
 * @throws INVALID_ARGUMENT; UNSUPPORTED for a live channel as `to`; what `deadLetters` throws
 */
export async function planRedrive(
  admin: Pick<BusAdmin, 'deadLetters'>,
  wish: RedriveWish,
): Promise<PlannedRedrive> {
  const { channel, to = null, group = null, fits = () => true, clock = systemClock } = wish
  const redrivesMax = whole('redrivesMax', wish.redrivesMax, redrivesMaxDefault, 1)
  const lettersMax = whole('lettersMax', wish.lettersMax, lettersMaxLimit, 1, lettersMaxLimit)
  if (to && isLive(to.pattern)) throw keepsNothing(to)
  const letters: PlannedLetter[] = []
  let [dead, leftOut, more] = [0, 0, 0]
  for await (const entry of deadEntries(admin, channel, group, false)) {
    dead++
    if (!fits(entry)) continue
    if (entry.letter.redrives >= redrivesMax) leftOut++
    else if (letters.length === lettersMax) more++
    else {
      const { ref, message, letter } = entry
      letters.push({ ref, id: message.id, redrives: letter.redrives })
      wish.onPlanned?.(entry)
    }
  }
  return { channel, to, letters, plannedMs: clock.wallMs(), dead, leftOut, more }
}

/** Who is not there now would miss it, and nobody would know. */
function keepsNothing({ name, pattern }: ChannelRef): NarrowcastError {
  return new NarrowcastError(
    'UNSUPPORTED',
    `dead letters cannot be sent to "${name}": a ${pattern} keeps no message`,
    { channel: name, operation: 'redrive', hint: 'Send them to a queue or a stream.' },
  )
}

/** All dead letters, page by page. */
export async function* deadEntries(
  admin: Pick<BusAdmin, 'deadLetters'>,
  channel: ChannelRef,
  group: string | null,
  newestFirst: boolean,
): AsyncGenerator<DeadEntry> {
  let cursor: string | null = null
  do {
    const query = { cursor, limit: pageLimit, newestFirst }
    const page: Page<DeadEntry> = await admin.deadLetters(channel, group, query)
    yield* page.items
    cursor = page.cursor
  } while (cursor !== null)
}
