import { NarrowcastError } from '../core/errors.ts'
import { isLive, type Pattern } from '../core/message.ts'
import { channelWords, parseBytes, parseDurationMs } from '../core/url.ts'
import type { ChannelConfig, ChannelDefaults } from './config.ts'

export { channelWords }

type Words = Pick<ChannelConfig, (typeof channelWords)[number]>

/** Of what a URL says for all channels, that which is meant for those of this pattern. */
export function meantFor(pattern: Pattern, { via, ...kept }: ChannelDefaults): ChannelDefaults {
  if (!isLive(pattern)) return kept
  return pattern === 'narrowcast' && via !== undefined ? { via } : {}
}

/**
 * `{ lease: '30s', backoff: '100ms..30s' }` → options. `where` names the file, flag or URL.
 * @throws INVALID_CONFIG, naming the word.
 */
export function channelDefaultsOf(where: string, words: Words): ChannelDefaults {
  const { lease, attempts, backoff, dedupe, retention, narrowcast } = words
  return {
    ...(lease === undefined ? {} : { leaseMs: parseDurationMs(`${where}: lease`, lease) }),
    ...(attempts === undefined ? {} : { attempts: wholeOf(`${where}: attempts`, attempts) }),
    ...(backoff === undefined ? {} : { backoff: backoffOf(`${where}: backoff`, backoff) }),
    ...(dedupe === undefined ? {} : { dedupe: dedupeOf(`${where}: dedupe`, dedupe) }),
    ...(retention === undefined
      ? {}
      : { retention: retentionOf(`${where}: retention`, retention) }),
    ...(narrowcast === undefined ? {} : { via: viaOf(`${where}: narrowcast`, narrowcast) }),
  }
}

function viaOf(what: string, via: 'direct' | 'relay'): NonNullable<ChannelDefaults['via']> {
  if (via === 'direct' || via === 'relay') return via
  throw wrong(what, 'direct or relay', via)
}

function wrong(what: string, expected: string, got: unknown): NarrowcastError {
  return new NarrowcastError(
    'INVALID_CONFIG',
    `${what}: expected ${expected}, got ${JSON.stringify(got)}`,
  )
}

function wholeOf(what: string, value: number | string): number {
  const number =
    typeof value === 'number' ? value : /^\d+$/.test(value) ? Number(value) : Number.NaN
  if (Number.isSafeInteger(number) && number > 0) return number
  throw wrong(what, 'a whole number of at least 1', value)
}

function backoffOf(what: string, text: string): NonNullable<ChannelDefaults['backoff']> {
  const [min, max, ...rest] = text.split('..')
  if (!min || !max || rest.length > 0) throw wrong(what, 'two durations as in 100ms..30s', text)
  return { delayMsMin: parseDurationMs(what, min), delayMsMax: parseDurationMs(what, max) }
}

function dedupeOf(what: string, text: string): NonNullable<ChannelDefaults['dedupe']> {
  const [on, window, ...rest] = text.split(':')
  if ((on !== 'publish' && on !== 'consume') || rest.length > 0) {
    throw wrong(what, 'publish or consume, with a window if you like, as in publish:120s', text)
  }
  return window === undefined ? { on } : { on, windowMs: parseDurationMs(what, window) }
}

/** `7d`, `1000000`, `2GiB`, or several with commas: an age, a count, a size. */
function retentionOf(what: string, text: string): NonNullable<ChannelDefaults['retention']> {
  const retention: NonNullable<ChannelDefaults['retention']> = {}
  for (const part of text.split(',').map((one) => one.trim())) {
    if (/^\d+$/.test(part)) retention.messages = Number(part)
    else if (/B$/.test(part)) retention.bytes = Math.floor(parseBytes(what, part))
    else retention.ageMs = parseDurationMs(what, part)
  }
  return retention
}
