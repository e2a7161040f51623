import { NarrowcastError } from '../core/errors.ts'
import { parseBytes, parseDurationMs } from '../core/url.ts'

/** The flags of one command line, read with the kind of value that the command expects. */
export interface Flags {
  isSet(name: string): boolean
  text(name: string): string | undefined
  list(name: string): readonly string[]
  /** @throws INVALID_CONFIG, naming flag and range. */
  whole(name: string, range?: { min?: number; max?: number }): number | undefined
  /** `30s`. @throws INVALID_CONFIG */
  durationMs(name: string): number | undefined
  /** `32MB`. @throws INVALID_CONFIG */
  bytes(name: string): number | undefined
}

/** `values` as the parser gives them, named in camelCase. */
export function makeFlags(values: Readonly<Record<string, unknown>>): Flags {
  const value = (name: string) =>
    values[name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())]
  const text = (name: string) => {
    const found = value(name)
    return typeof found === 'string' ? found : undefined
  }
  const read = <T>(name: string, parse: (what: string, text: string) => T) => {
    const found = text(name)
    return found === undefined ? undefined : parse(`--${name}`, found)
  }
  return {
    isSet: (name) => value(name) !== undefined && value(name) !== false,
    text,
    list(name) {
      const found = value(name)
      if (Array.isArray(found)) return found.map(String)
      return typeof found === 'string' ? [found] : []
    },
    whole: (name, range = {}) => read(name, (what, word) => parseWhole(what, word, range)),
    durationMs: (name) => read(name, parseDurationMs),
    bytes: (name) => read(name, parseBytes),
  }
}

/** @throws INVALID_CONFIG, naming `what` and the range. */
export function parseWhole(
  what: string,
  word: string,
  { min = 0, max = Number.MAX_SAFE_INTEGER }: { min?: number; max?: number } = {},
): number {
  const value = wholeOf(word)
  if (value >= min && value <= max) return value
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`
  throw new NarrowcastError(
    'INVALID_CONFIG',
    `${what}: expected a whole number ${range}, got ${JSON.stringify(word)}`,
  )
}

/** `10_000` and `10,000`, too. NaN: it is no whole number. */
export function wholeOf(word: string): number {
  const digits = word.replace(/(?<=\d)[_,](?=\d{3})/g, '')
  return /^\d+$/.test(digits) ? Number(digits) : Number.NaN
}

/** Of a variable: set, and not to a word for no. */
export function isTrue(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== '0' && value !== 'false'
}
