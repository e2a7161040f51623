import { type ErrorCode, NarrowcastError } from '../core/errors.ts'
import { redactUrl } from '../core/url.ts'
import { shellWord } from './output/shellWord.ts'

/** The command line that went wrong. */
export interface Place {
  readonly command: string
  readonly args: readonly string[]
  /** As the parser gives them. */
  readonly values: Readonly<Record<string, unknown>>
}

/**
 * The same error with what to do next: its own hint, else the command that tells more. Commands in
 * it name the backend that this command line named.
 */
export function withNextStep(error: NarrowcastError, place: Place): NarrowcastError {
  const hint = error.hint ?? nextStep(error, place)
  if (hint === null) return error
  const { code, message, definite, driver, channel, operation, cause, stack } = error
  const copy = new NarrowcastError(code, message, {
    definite,
    ...(driver === null ? {} : { driver }),
    ...(channel === null ? {} : { channel }),
    ...(operation === null ? {} : { operation }),
    ...(cause === undefined ? {} : { cause }),
    hint: withBackend(hint, place.values),
  })
  if (stack !== undefined) copy.stack = stack
  return copy
}

function nextStep({ code, driver, channel }: NarrowcastError, { command, args }: Place) {
  const help = `narrowcast ${command} --help says what it takes`
  const doctor = 'Details: narrowcast doctor'
  const steps: Partial<Record<ErrorCode, string>> = {
    INVALID_ARGUMENT: help,
    INVALID_CONFIG: help,
    INVALID_MESSAGE: help,
    NOT_FOUND: channel === null ? help : `narrowcast channels show ${channel} tells what is there`,
    PAYLOAD_TOO_LARGE: `narrowcast channels show ${args[0]} tells the limit of payload`,
    UNSUPPORTED: `narrowcast contract ${driver ?? ''}`.trimEnd().concat(' tells what is offered'),
    CONNECT_FAILED: doctor,
    LOGIN_REFUSED: doctor,
    UNAVAILABLE: doctor,
    STORE_UNUSABLE: doctor,
    DISK_FULL: doctor,
    TIMEOUT: 'More time: --timeout 30s',
    INTERNAL: '--verbose shows where it comes from; please report that',
  }
  return steps[code] ?? null
}

/** Commands that ask a backend. Global flags may stand anywhere. */
const asking =
  /narrowcast (?:(?:channels|messages|dead|groups|workers) [a-z]+|publish|tail|work|relay|top|stats|doctor)\b/g

/**
 * A text with commands in it, as they must be typed for the backend of this command line. A URL
 * with a password stays away.
 */
export function withBackend(text: string, values: Readonly<Record<string, unknown>>): string {
  const { url, urlFile, context } = values
  const flags = typeof context === 'string' ? [`-c ${shellWord(context)}`] : []
  if (typeof urlFile === 'string') flags.push(`--url-file ${shellWord(urlFile)}`)
  else if (typeof url === 'string') {
    if (redactUrl(url) !== url) return text
    flags.push(`-u ${shellWord(url)}`)
  }
  return flags.length === 0 ? text : withFlag(text, flags.join(' '))
}

function withFlag(text: string, flag: string): string {
  return text.replace(asking, (command, at: number) => {
    const rest = text.slice(at + command.length)
    // Help asks no backend, and the one that was named may be what is wrong.
    return /^[^\n]* (-u|--url|--url-file|--help) /.test(rest) ? command : `${command} ${flag}`
  })
}
