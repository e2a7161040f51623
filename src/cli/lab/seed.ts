import { NarrowcastError } from '../../core/errors.ts'
import { isLive, type Pattern } from '../../core/message.ts'
import { below, drawFrom } from '../../lab/draw.ts'
import type { Bus } from '../../runtime/api.ts'
import { connectTo } from '../connection.ts'
import { isDryRun } from '../consent.ts'
import type { Invocation, Run } from '../invocation.ts'
import { makeProgress } from '../output/progress.ts'
import { countOf, showDuration } from '../output/quantities.ts'
import { seedOf } from './loadFlags.ts'

const channelsDefault = 10
const messagesDefault = 1_000
const batchMax = 500
/** One channel in so many is a stream, unless a pattern was asked for. */
const streamEvery = 10
const places = ['Berlin', 'Lagos', 'Lima', 'Osaka', 'Oslo', 'Quito', 'Sydney', 'Tunis'] as const

/** `lab seed`: channels and messages to look at, the same for the same seed. */
export const seed: Run = async (invocation) => {
  const { flags, output, clock, interrupts, live } = invocation
  const channels = flags.whole('channels', { min: 1, max: 100_000 }) ?? channelsDefault
  const messages = flags.whole('messages', { max: 100_000_000 }) ?? messagesDefault
  const pattern = patternOf(invocation)
  const drawn = seedOf(flags)
  const name = nameOf(channels)
  const what = `${countOf(messages, 'message')} in ${countOf(channels, 'channel')}`
  const range = channels === 1 ? name(0) : `${name(0)} to ${name(channels - 1)}`
  if (await isDryRun(invocation, `would put ${what}, ${range}`)) return
  const stopping = interrupts.claim()
  await using connected = await connectTo(invocation, { look: false })
  const beganMs = clock.monotonicMs()
  const progress = makeProgress(output, 'publishing', messages, { live })
  let published = 0
  let opened = 0
  for (const [at, count] of shares(channels, messages, drawn).entries()) {
    if (stopping.aborted) break
    const kind = pattern ?? (at % streamEvery === streamEvery - 1 ? 'stream' : 'queue')
    await fill(connected.bus, { name: name(at), kind, count, drawn }, stopping, (done) => {
      published += done
      progress.update(published)
    })
    opened++
  }
  progress.end()
  const tookMs = clock.monotonicMs() - beganMs
  const made = `${countOf(published, 'message')} in ${countOf(opened, 'channel')}`
  await output.answer({
    type: 'lab.seed',
    fields: { channels: opened, messages: published, duration_ms: tookMs },
    lines: () => [`put ${made}, ${range}, in ${showDuration(tookMs)}`],
  })
  output.next('narrowcast channels ls')
}

function patternOf({ flags }: Invocation): Pattern | null {
  const pattern = (flags.text('pattern') as Pattern | undefined) ?? null
  if (pattern === null || !isLive(pattern)) return pattern
  throw new NarrowcastError('INVALID_ARGUMENT', `a ${pattern} keeps no messages to look at`, {
    hint: 'Expected --pattern queue or --pattern stream',
  })
}

/** Names that sort as they count. */
function nameOf(channels: number): (at: number) => string {
  const digits = String(channels).length
  return (at) => `seed.${String(at + 1).padStart(digits, '0')}`
}

/** How many each channel gets: the first ones far more than the last, as it is in life. */
function shares(channels: number, messages: number, drawn: number): Uint32Array {
  const counts = new Uint32Array(channels)
  const draw = drawFrom(drawn, 'channels')
  for (let message = 0; message < messages; message++) {
    const at = Math.floor(draw(message) ** 3 * channels)
    counts[at] = (counts[at] as number) + 1
  }
  return counts
}

interface Filling {
  readonly name: string
  readonly kind: Pattern
  readonly count: number
  readonly drawn: number
}

async function fill(
  bus: Bus,
  { name, kind, count, drawn }: Filling,
  stopping: AbortSignal,
  onDone: (count: number) => void,
): Promise<void> {
  const channel = bus[kind]<object>(name)
  await channel.opened()
  const placeOf = below(drawFrom(drawn, `places of ${name}`), places.length)
  const amountOf = below(drawFrom(drawn, `amounts of ${name}`), 10_000)
  for (let from = 0; from < count && !stopping.aborted; from += batchMax) {
    const size = Math.min(batchMax, count - from)
    const batch = Array.from({ length: size }, (_, at) => {
      const place = places[placeOf(from + at)] as string
      const data = { order: from + at + 1, place, cents: amountOf(from + at) }
      return { data, options: { key: place.toLowerCase() } }
    })
    const answers = await channel.publishMany(batch)
    const failure = answers.find((answer) => answer instanceof NarrowcastError)
    if (failure) throw failure
    onDone(size)
  }
}
