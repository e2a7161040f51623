import type { ChannelRef } from '../../core/channel.ts'
import type { Clock } from '../../core/clock.ts'
import type { Depth } from '../../core/driver.ts'
import { NarrowcastError } from '../../core/errors.ts'
import type { Count } from '../../core/message.ts'
import type { Connected } from '../connection.ts'
import type { Invocation } from '../invocation.ts'
import { countOf } from '../output/quantities.ts'
import type { Crew } from './crew.ts'

/** `--until`: null without it. */
export type Until = 'end' | { readonly timeMs: number } | null

export interface Watched {
  readonly bus: Connected['bus']
  readonly channel: ChannelRef
  /** Of a stream. */
  readonly group: string | null
  readonly until: Until
  /** Messages that workers have in hand. */
  readonly inHand: () => number
  /** Told to end, workers do what they have in hand: it counts as done. */
  readonly landsAtEnd: boolean
  /** Ids that failed here and come again. */
  readonly retrying: ReadonlySet<string>
  readonly onDepth?: (depth: Depth) => void
}

/** Between two looks where nobody watches and no end is waited for. */
const slowMs = 1_000
const lookMs = 200
/** Of waiting without a visible reason, after which the reason is told. */
const silentMsMax = 2_000
/** While messages are delayed, what was just tried may be one of them: workers get time to say. */
const calmMs = 1_000

/**
 * Looks at the broker. Resolves when it is time to stop: told to, at the time of `until`, or with
 * `end` when what was due is done. Of a queue that is: nothing waits, nothing is in flight, what
 * failed here was tried again; delayed messages stay. Of a stream: its group has settled all.
 */
export async function watchSource(
  invocation: Invocation,
  crew: Crew,
  stopping: AbortSignal,
  watched: Watched,
): Promise<void> {
  // An answer that is still awaited from a broker that is away does not hold up the end.
  const stopped = new Promise<void>((done) => {
    if (stopping.aborted) done()
    else stopping.addEventListener('abort', () => done(), { once: true })
  })
  await Promise.race([stopped, look(invocation, crew, stopping, watched)])
}

async function look(
  { clock, live }: Invocation,
  crew: Crew,
  stopping: AbortSignal,
  watched: Watched,
): Promise<void> {
  const { bus, channel, until } = watched
  const end = new End(crew, clock)
  let wasPaused = false
  while (!stopping.aborted) {
    const depth = await ifThere(bus.admin.depths([channel]).then(([one]) => one))
    if (stopping.aborted) return
    if (depth) watched.onDepth?.(depth)
    const isPaused = depth?.paused ?? false
    if (isPaused && !wasPaused) {
      const { name } = channel
      crew.feed.say(`${name} is paused; narrowcast channels resume ${name} ends that`)
    }
    wasPaused = isPaused
    if (typeof until === 'object' && until !== null && clock.wallMs() >= until.timeMs) return
    if (until === 'end' && crew.isUp && depth) {
      const scheduled = watched.group === null ? number(depth.scheduled) : 0
      const left = await ifThere(leftOf(watched, depth).then((text) => ({ text })))
      if (stopping.aborted) return
      if (left && end.isReached(left.text, scheduled)) return
    }
    crew.feed.changed()
    await clock.sleep(until === null && !live ? slowMs : lookMs, stopping)
  }
}

/** Null while the broker is away: workers wait for it and go on, so a look at it ends nothing. */
async function ifThere<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof NarrowcastError && error.retryable) return null
    throw error
  }
}

/** Whether `--until end` has come, and what is said until then. */
class End {
  readonly #crew: Crew
  readonly #clock: Clock
  #left: string | null = ''
  #sinceMs = 0

  constructor(crew: Crew, clock: Clock) {
    this.#crew = crew
    this.#clock = clock
  }

  /** `left` as `leftOf` gives it. */
  isReached(left: string | null, scheduled: number): boolean {
    const nowMs = this.#clock.monotonicMs()
    const isOther =
      (left === null) !== (this.#left === null) || (left === '') !== (this.#left === '')
    if (isOther) this.#sinceMs = nowMs
    this.#left = left
    const passedMs = nowMs - this.#sinceMs
    if (left === null) {
      if (scheduled > 0 && passedMs < calmMs) return false
      this.#crew.left = scheduled
      return true
    }
    const before = this.#crew.waitsFor
    this.#crew.waitsFor = left !== '' && passedMs >= silentMsMax ? `waiting for ${left}` : null
    if (before === null && this.#crew.waitsFor !== null) this.#crew.feed.plain(this.#crew.waitsFor)
    return false
  }
}

/**
 * Messages that are still to be done, once our own workers have ended: others have them in hand, or
 * had them until their lease was over.
 */
export async function countLeft({
  bus,
  channel,
  group,
}: Pick<Watched, 'bus' | 'channel' | 'group'>): Promise<number> {
  const [depth] = await bus.admin.depths([channel])
  if (!depth) return 0
  if (group === null) {
    return number(depth.inFlight) + (depth.paused ? 0 : number(depth.waiting))
  }
  const found = (await bus.admin.groups(channel)).find((one) => one.group === group)
  if (!found) return 0
  const due = depth.paused ? 0 : number(found.lag) - number(depth.scheduled)
  return Math.max(number(found.inFlight), due)
}

/** Null: nothing. '': what workers are at. Else what nobody here can speed up, in words. */
async function leftOf(watched: Watched, depth: Depth): Promise<string | null> {
  const { bus, channel, group, retrying } = watched
  const inHand = watched.inHand()
  const done = watched.landsAtEnd ? inHand : 0
  if (group !== null) {
    const found = (await bus.admin.groups(channel)).find((one) => one.group === group)
    if (!found || found.lag === 'unknown') return ''
    if (found.lag <= done) return null
    const isLater = inHand === 0 && found.lag <= number(depth.scheduled)
    return isLater ? `${countOf(found.lag, 'message')} delayed or to be tried again` : ''
  }
  const { waiting, scheduled } = depth
  if (waiting === 'unknown' || scheduled === 'unknown') return ''
  // A broker that counts late, or not at all, has not heard of ours; of others nobody else tells.
  const inFlight = Math.max(number(depth.inFlight), inHand)
  const again = Math.min(retrying.size, scheduled)
  if (waiting + inFlight <= done && again === 0) return null
  const others = inFlight - inHand
  if (!depth.paused && (waiting > 0 || (inHand > 0 && !watched.landsAtEnd))) return ''
  return [
    ...(waiting > 0 ? [`${countOf(waiting, 'message')} of a paused channel`] : []),
    ...(again > 0 ? [`${countOf(again, 'message')} to be tried again`] : []),
    ...(others > 0 ? [`${countOf(others, 'message')} in flight elsewhere`] : []),
  ].join(', ')
}

function number(count: Count): number {
  return count === 'unknown' ? 0 : count
}
