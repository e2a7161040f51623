import { NarrowcastError } from './errors.ts'

/** A broker URL, taken apart once. `text` is as given and may hold a password. */
export interface BrokerUrl {
  readonly text: string
  readonly scheme: string
  /** Whatever stands between the scheme and the query. */
  readonly rest: string
  readonly options: ReadonlyMap<string, string>
}

/** Options of a URL that say something of every channel, on every backend. */
export const channelWords = [
  'lease',
  'attempts',
  'backoff',
  'dedupe',
  'retention',
  'narrowcast',
] as const

/** What every URL takes beside the options of its driver, which is not given these. */
export const commonOptions = [...channelWords, 'timeout'] as const

/** @throws INVALID_CONFIG, with the password hidden. */
export function parseBrokerUrl(text: string): BrokerUrl {
  const found = /^([a-z][a-z0-9+.-]*):([^?#]*)(?:\?([^#]*))?$/i.exec(text.trim())
  if (!found && text.includes('#') && /^[a-z][a-z0-9+.-]*:/i.test(text.trim())) {
    throw new NarrowcastError('INVALID_CONFIG', `URL ${redactUrl(text)} has a #`, {
      hint: 'In user, password and paths # is written %23.',
    })
  }
  if (!found) {
    throw new NarrowcastError(
      'INVALID_CONFIG',
      `URL ${JSON.stringify(redactUrl(text))} has no scheme; expected for example file:./.narrowcast/store`,
    )
  }
  const options = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(found[3] ?? '')) {
    if (options.has(name)) {
      throw new NarrowcastError('INVALID_CONFIG', `URL option ${name} is given twice`)
    }
    options.set(name, value)
  }
  return {
    text: text.trim(),
    scheme: (found[1] as string).toLowerCase(),
    rest: found[2] as string,
    options,
  }
}

/** An option that is a URL itself, written plainly or by its codes. */
const urlInside = /[?&][^=&?#]*=[a-z][a-z0-9+.-]*(?::|%3A)(?:\/|%2F){2}/i

/** The URL with its passwords as `***`, fit for every output. */
export function redactUrl(text: string): string {
  const at = text.search(urlInside)
  const own = at < 0 ? text : text.slice(0, at)
  const inside = text.slice(own.length)
  return (
    own.replace(/^([a-z][a-z0-9+.-]*:\/\/[^:/?#@]*):.*@/i, '$1:***@') +
    inside.replace(/((?:\/|%2F){2}.*?)(:|%3A).*(@|%40)/i, '$1$2***$3')
  )
}

const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}
const unitBytes: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1_000,
  KB: 1_000,
  MB: 1_000_000,
  GB: 1_000_000_000,
  KiB: 1_024,
  MiB: 1_048_576,
  GiB: 1_073_741_824,
}

function measure(what: string, text: string, units: Readonly<Record<string, number>>): number {
  const found = /^(\d+(?:\.\d+)?)\s*([A-Za-z]+)$/.exec(text.trim())
  const unit = found ? units[found[2] as string] : undefined
  if (found && unit !== undefined) return Number(found[1]) * unit
  throw new NarrowcastError(
    'INVALID_CONFIG',
    `${what}: ${JSON.stringify(text)} is not a number with a unit; expected for example ${units === unitMs ? '30s, 500ms, 2h' : '32MB, 512KiB'}`,
  )
}

/** `30s` → 30_000. @throws INVALID_CONFIG, naming `what`. */
export function parseDurationMs(what: string, text: string): number {
  return measure(what, text, unitMs)
}

/** `32MB` → 32_000_000. @throws INVALID_CONFIG, naming `what`. */
export function parseBytes(what: string, text: string): number {
  return measure(what, text, unitBytes)
}
