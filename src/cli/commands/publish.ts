import { isUtf8 } from 'node:buffer'
import type { ChannelRef } from '../../core/channel.ts'
import type { Codec } from '../../core/codec.ts'
import { asNarrowcastError, NarrowcastError } from '../../core/errors.ts'
import { isLive } from '../../core/message.ts'
import type { ChannelOptions, PublishOptions, Receipt } from '../../runtime/api.ts'
import { channelToOpen, connectTo, openChannel } from '../connection.ts'
import { isDryRun } from '../consent.ts'
import type { Invocation, Run } from '../invocation.ts'
import { harmless } from '../output/displayWidth.ts'
import { countOf, showBytes, showCount, showDuration, showRate } from '../output/quantities.ts'
import { brokenOff } from '../publishing/brokenOff.ts'
import { bytesMaxOf, checkOf, timeoutMsOf } from '../publishing/check.ts'
import { dedupeWish } from '../publishing/dedupe.ts'
import { publishLines, type Sent } from '../publishing/many.ts'
import { Waiting } from '../publishing/waiting.ts'

/** The data is JSON text already: as it was typed it travels, digits of large numbers included. */
const jsonText: Codec = {
  name: 'json',
  encode: (data) => data as string,
  decode: (body) => (typeof body === 'string' ? body : new TextDecoder().decode(body)),
}

/** `publish CHANNEL [DATA|-]` */
export const publish: Run = async (invocation) => {
  const { flags, args } = invocation
  const options = publishOptions(invocation)
  const wish = { codec: jsonText, ...dedupeWish(flags) }
  const rate = flags.whole('rate', { min: 1 }) ?? null
  const isMany = flags.isSet('ndjson') || flags.isSet('lines')
  checkCombination(invocation, isMany)
  const [name, data] = args as [string, string | undefined]
  if (!isMany) return publishOne(invocation, name, await dataOf(data), options, wish)
  return publishMany(invocation, name, options, wish, rate)
}

function checkCombination({ flags, args }: Invocation, isMany: boolean): void {
  const fail = (text: string): never => {
    throw new NarrowcastError('INVALID_ARGUMENT', `publish: ${text}`)
  }
  if (flags.isSet('ndjson') && flags.isSet('lines')) fail('--ndjson and --lines exclude each other')
  if (isMany && args[1] !== undefined && args[1] !== '-') fail('DATA and lines exclude each other')
  if (isMany && flags.isSet('id')) fail('--id names one message, not many')
  if (!isMany && flags.isSet('rate')) fail('--rate is for --ndjson and --lines')
  if (isMany && process.stdin.isTTY) fail('lines come from stdin, which is a terminal; use < FILE')
}

function publishOptions({ flags }: Invocation): PublishOptions {
  const id = flags.text('id')
  const key = flags.text('key')
  const delayMs = flags.durationMs('delay')
  const pairs = flags.list('header').map((pair) => {
    const at = pair.indexOf('=')
    if (at > 0) return [pair.slice(0, at), pair.slice(at + 1)]
    throw new NarrowcastError(
      'INVALID_ARGUMENT',
      `--header: expected name=value, got ${JSON.stringify(pair)}`,
    )
  })
  return {
    ...(id === undefined ? {} : { id }),
    ...(key === undefined ? {} : { key }),
    ...(delayMs === undefined ? {} : { delayMs }),
    ...(pairs.length === 0 ? {} : { headers: Object.fromEntries(pairs) as Record<string, string> }),
  }
}

/** @throws INVALID_MESSAGE where it is not JSON. */
async function dataOf(data: string | undefined): Promise<string> {
  if (data === undefined) {
    throw new NarrowcastError(
      'INVALID_ARGUMENT',
      'publish needs DATA, - for stdin, --ndjson or --lines',
      {
        hint: `For example: narrowcast publish hello '{"n":1}'`,
      },
    )
  }
  if (data !== '-') return checkedJson(data)
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
  const bytes = Buffer.concat(chunks)
  if (isUtf8(bytes)) return checkedJson(bytes.toString().trim())
  throw new NarrowcastError('INVALID_MESSAGE', 'publish: stdin is not UTF-8')
}

function checkedJson(text: string): string {
  try {
    JSON.parse(text)
    return text
  } catch (cause) {
    throw new NarrowcastError(
      'INVALID_MESSAGE',
      `publish: DATA is not JSON: ${harmless((cause as Error).message)}`,
      { hint: `A text needs quotes of its own: '"hello"'`, cause },
    )
  }
}

/** What became of the one message that a stop has left without an answer. */
function withFate(error: NarrowcastError, { name, pattern }: ChannelRef): NarrowcastError {
  if (error.code !== 'ABORTED') return error
  const { definite, message, cause } = error
  const fate = `it ${definite ? 'was not' : 'may have been'} ${isLive(pattern) ? 'sent' : 'stored'}`
  return new NarrowcastError('ABORTED', `${message}; ${fate}`, { definite, channel: name, cause })
}

/** What is live is kept for nobody. */
function whatBecame(
  { pattern }: ChannelRef,
  { duplicate, receivers }: Receipt,
  tookMs: number,
): string {
  if (duplicate) return 'duplicate: known already, nothing stored'
  if (!isLive(pattern)) return `stored in ${showDuration(tookMs)}`
  const who = receivers === undefined ? 'those who are there' : showCount(receivers)
  return `received by ${receivers === 0 ? 'nobody' : who}, not stored`
}

async function publishOne(
  invocation: Invocation,
  name: string,
  data: string,
  options: PublishOptions,
  wish: ChannelOptions<string>,
): Promise<void> {
  const { output, clock, dryRun } = invocation
  const bytes = Buffer.byteLength(data)
  if (dryRun) {
    await isDryRun(invocation, `would publish ${showBytes(bytes)} to ${name}`)
    return
  }
  await using connected = await connectTo(invocation, { look: false })
  const check = checkOf(connected.bus, name, data, options, wish)
  const channel = await openChannel(invocation, connected, name, wish, check)
  const beganMs = clock.monotonicMs()
  using waiting = new Waiting(invocation, connected.bus, channel, timeoutMsOf(channel, wish))
  const receipt = await waiting.during(channel.publish(data, options)).catch((error) => {
    throw withFate(waiting.whyEnded(asNarrowcastError(error)), channel)
  })
  const { id, position, duplicate, receivers } = receipt
  const tookMs = clock.monotonicMs() - beganMs
  const key = options.key
  await output.answer({
    type: 'publish',
    fields: {
      channel: name,
      id,
      key: key ?? null,
      position: position ?? null,
      bytes,
      duplicate,
      ...(receivers === undefined ? {} : { receivers }),
      duration_ms: Math.round(tookMs * 10) / 10,
    },
    lines: () => [
      [
        `published ${name}`,
        harmless(id),
        ...(key === undefined ? [] : [`key ${harmless(key)}`]),
        showBytes(bytes),
        whatBecame(channel, receipt, tookMs),
      ].join('  '),
    ],
  })
  output.next(`narrowcast work ${name} --exec cat`)
}

async function publishMany(
  invocation: Invocation,
  name: string,
  options: PublishOptions,
  wish: ChannelOptions<string>,
  rate: number | null,
): Promise<number> {
  const { output, flags } = invocation
  if (await isDryRun(invocation, `would publish the lines of stdin to ${name}`)) return 0
  await using connected = await connectTo(invocation, { look: false })
  const { bus } = connected
  const { channel, isNew, open } = await channelToOpen(invocation, connected, name, wish)
  const check = (data: string) => checkOf(bus, name, data, options, wish)(channel.pattern)
  // Of the lines nothing is known yet; lines of which none is a message leave no channel behind.
  check('')
  const most = isNew ? bytesMaxOf(bus, channel, wish) : null
  const bytesMax = most ?? (await open()).payloadBytesMax
  let isOpen = most === null
  using waiting = new Waiting(invocation, bus, channel, timeoutMsOf(channel, wish))
  const how = {
    ...{ options, rate, bytesMax },
    toJson(line: string) {
      const data = flags.isSet('lines') ? JSON.stringify(line) : validJson(line)
      if (!isOpen) check(data)
      return data
    },
    async open() {
      await open().catch((error) => {
        throw waiting.whyEnded(asNarrowcastError(error))
      })
      isOpen = true
    },
  }
  const send = (batch: readonly Sent[]) => waiting.during(channel.publishMany(batch))
  const done = await publishLines(invocation, send, process.stdin, how)
  const { published, duplicates, receivedByNobody, rejected, bytes, stretches } = done
  const { tookMs } = done
  const failure = done.failure && waiting.whyEnded(done.failure)
  const perSecond = (published / Math.max(1, tookMs)) * 1_000
  await output.answer({
    type: 'publish.summary',
    fields: {
      channel: name,
      published,
      duplicates,
      ...(isLive(channel.pattern) ? { received_by_nobody: receivedByNobody } : {}),
      rejected,
      bytes,
      ...(failure ? { lines: stretches } : {}),
      duration_ms: Math.round(tookMs),
    },
    lines: () => [
      [
        `published ${name}`,
        countOf(published, 'message'),
        showBytes(bytes),
        `in ${showDuration(tookMs)}`,
        showRate(perSecond),
        ...(duplicates > 0
          ? [`of which ${countOf(duplicates, 'duplicate')}, not stored again`]
          : []),
        ...(receivedByNobody > 0 ? [`received by nobody: ${showCount(receivedByNobody)}`] : []),
        ...(rejected > 0 ? [`rejected ${showCount(rejected)}`] : []),
      ].join('  '),
    ],
  })
  if (failure) {
    const how = { isLive: isLive(channel.pattern), hasDedupe: wish.dedupe !== undefined }
    throw brokenOff(failure, stretches, how)
  }
  return rejected > 0 ? 2 : 0
}

function validJson(line: string): string {
  JSON.parse(line)
  return line
}
