import type { ChannelRef } from '../../core/channel.ts'
import type { Stored } from '../../core/driver.ts'
import { NarrowcastError } from '../../core/errors.ts'
import { isLive, type Place } from '../../core/message.ts'
import type { Bus } from '../../runtime/api.ts'
import { untilAborted } from '../../runtime/untilAborted.ts'
import { type Connected, connectTo, existingChannel } from '../connection.ts'
import type { Invocation, Run } from '../invocation.ts'
import { beginningAt } from '../messages/begin.ts'
import { storedFilter } from '../messages/facts.ts'
import { Following } from '../messages/following.ts'
import { parsePlace, parseUntil } from '../messages/place.ts'
import { storedPages } from '../messages/scan.ts'
import { TailLines } from '../messages/tailLine.ts'
import { storedColumns, storedJson } from '../messages/view.ts'
import type { StreamOf } from '../output/output.ts'

const lastDefault = 10
/** After a look that got no answer. */
const againMs = 500

interface Tail {
  readonly bus: Bus
  readonly channel: ChannelRef
  readonly lines: TailLines
  readonly out: StreamOf<Stored>
  readonly fits: (stored: Stored) => boolean
  readonly following: Following
  readonly stopping: AbortSignal
}

/** `tail CHANNEL`: looks through the admin's peek, so nothing is consumed and nothing left behind. */
export const tail: Run = async (invocation) => {
  const { flags, output, clock, args, interrupts } = invocation
  const fits = storedFilter(flags.text('where'))
  const nowMs = clock.wallMs()
  const from = flags.text('from')
  const place = from === undefined ? null : parsePlace('--from', from, nowMs)
  const last = flags.whole('last', { min: 0 })
  if (place !== null && last !== undefined) {
    throw new NarrowcastError('INVALID_ARGUMENT', '--from and --last exclude each other')
  }
  const untilWord = flags.text('until')
  const until = untilWord === undefined ? null : parseUntil('--until', untilWord, nowMs)
  if (until === 'end' && flags.isSet('follow')) {
    throw new NarrowcastError('INVALID_ARGUMENT', '--follow and --until end exclude each other')
  }
  await using connected = await connectTo(invocation, { look: true })
  const channel = await existingChannel(invocation, connected, args[0] as string)
  sayWhatLookingMeans(invocation, connected, channel)
  const lines = new TailLines(output)
  const stopping = interrupts.claim()
  const one: Tail = {
    lines,
    bus: connected.bus,
    channel,
    fits,
    following: new Following(connected.bus, channel, clock, stopping),
    stopping,
    out: output.stream(
      'tail',
      storedColumns(nowMs),
      (stored, wide) => lines.line(stored, { wide, nowMs: clock.wallMs() }),
      (stored) => ({ channel: channel.name, ...storedJson(stored) }),
    ),
  }
  const isFollowing = flags.isSet('follow') || (until !== null && until !== 'end')
  if (isFollowing) await one.following.begin()
  const position =
    place === null ? await showLast(one, last ?? lastDefault) : await showFrom(one, place)
  if (!isFollowing) {
    output.next(`narrowcast tail ${channel.name} --follow goes on as messages come`)
    return
  }
  await follow(one, position, invocation, until)
}

/** @throws UNSUPPORTED where the channel keeps nothing. */
function sayWhatLookingMeans(
  { output }: Invocation,
  { bus }: Connected,
  channel: ChannelRef,
): void {
  if (isLive(channel.pattern)) throw nothingKept(channel)
  const peek = bus.contracts[channel.pattern]?.peek ?? 'no'
  if (peek === 'no') return // looking says so itself, and what to do
  const what = channel.pattern === 'queue' ? 'what is not settled' : 'what is stored'
  output.note(
    `peek: ${peek}, nothing is consumed (${bus.driver}); a ${channel.pattern} shows ${what}`,
  )
}

function nothingKept({ name, pattern }: ChannelRef): NarrowcastError {
  const who =
    pattern === 'broadcast' ? 'A subscriber is given a copy' : 'A worker is given its share'
  const text = `${pattern} "${name}" keeps no messages: there is nothing to look at`
  const hint = `${who}: narrowcast work ${name} --exec cat`
  return new NarrowcastError('UNSUPPORTED', text, { channel: name, hint })
}

/** The newest that fit, in their order. Returns the position of the newest of all. */
async function showLast(tail: Tail, count: number): Promise<string | null> {
  const { bus, channel, fits, following, stopping, lines, out } = tail
  const found: Stored[] = []
  let newest: string | null = null
  const limit = Math.max(1, Math.min(500, count))
  const query = { from: 'first', newestFirst: true, limit } as const
  for await (const { items } of storedPages(bus, channel, query)) {
    newest ??= items.find(({ position }) => position !== undefined)?.position ?? null
    for (const stored of items) if (found.length < count && fits(stored)) found.push(stored)
    if (found.length >= count || stopping.aborted) break
  }
  lines.makeRoom(found)
  following.note(found)
  for (const stored of found.reverse()) if (!stopping.aborted) await out.write(stored)
  return newest
}

/** Everything from a place up to what is the end now. Returns the last position seen, if any. */
async function showFrom(tail: Tail, place: Place): Promise<string | null> {
  const { bus, channel, fits, following, stopping, lines, out } = tail
  const end = await newestPosition(tail)
  if (place === 'end') return end
  const from = await beginningAt(bus, channel, place)
  let last: string | null = null
  for await (const { items } of storedPages(bus, channel, { from, newestFirst: false })) {
    lines.makeRoom(items.filter(fits))
    following.note(items)
    for (const stored of items) {
      if (stopping.aborted) return last
      if (fits(stored)) await out.write(stored)
      last = stored.position ?? last
      if (last !== null && last === end) return end
    }
  }
  return last ?? end
}

async function newestPosition({ bus, channel }: Tail): Promise<string | null> {
  const query = { from: 'first', newestFirst: true, cursor: null, limit: 1 } as const
  return (await bus.admin.peek(channel, query)).items[0]?.position ?? null
}

/**
 * Asks again and again for what came after a position, until the time is over. A broker that gives
 * no answer for now is asked again.
 */
async function follow(
  tail: Tail,
  position: string | null,
  { clock, output }: Invocation,
  until: 'end' | { timeMs: number } | null,
): Promise<void> {
  const { bus, following, fits, stopping, out } = tail
  const endMs =
    typeof until === 'object' && until !== null ? until.timeMs : Number.POSITIVE_INFINITY
  let last = position
  let isWaiting = false
  const showNew = async (): Promise<number> => {
    const look = following.look(last)
    for (;;) {
      const came = await untilAborted(look.next(), stopping)
      if (came.done) return came.value
      if (fits(came.value)) await out.write(came.value)
      last = came.value.position ?? last
    }
  }
  while (!stopping.aborted && clock.wallMs() < endMs) {
    let pauseMs = againMs
    try {
      pauseMs = await showNew()
      isWaiting = false
    } catch (error) {
      if (stopping.aborted) return
      if (!(error instanceof NarrowcastError && error.retryable)) throw error
      // Of a connection that is lost others tell.
      if (!isWaiting && bus.health().trouble === null) output.warn(`${error.message}; asks again`)
      isWaiting = true
    }
    await clock.sleep(Math.min(pauseMs, Math.max(0, endMs - clock.wallMs())), stopping)
  }
}
