import type { Writable } from 'node:stream'
import { errorCodes, type NarrowcastError } from '../../core/errors.ts'
import { harmless } from './displayWidth.ts'
import type { Look } from './style.ts'

/** The error as one JSON object, the form of `--json`. */
export function errorObject(error: NarrowcastError): Record<string, unknown> {
  return {
    v: 1,
    type: 'error',
    code: error.code,
    definite: error.definite,
    retryable: error.retryable,
    message: redactText(error.message),
    hint: error.hint === null ? null : redactText(error.hint),
    docs: `narrowcast help ${error.code}`,
    exit: errorCodes[error.code].exit,
  }
}

/** Hides the password of every URL inside a text, also in what a broker's client wrote. */
export function redactText(text: string): string {
  return text
    .replace(/\b([a-z][a-z0-9+.-]*:\/\/[^\s:/?#@]*):[^\s/]*@/gi, '$1:***@')
    .replace(/(%3A%2F%2F\S*?)%3A\S*%40/gi, '$1%3A***%40')
}

const helpLinesMax = 3

/** One line, then at most three lines of help; with JSON one object. Nothing goes to stdout. */
export function printError(
  stream: Writable,
  error: NarrowcastError,
  { json, look, verbose }: { json: boolean; look: Look; verbose: boolean },
): void {
  if (json) {
    stream.write(`${JSON.stringify(errorObject(error))}\n`)
    return
  }
  const [first = '', ...more] = redactText(error.message).split('\n')
  const help = [...more, ...(error.hint ? redactText(error.hint).split('\n') : [])]
  // An id or a name in it may come from a message.
  stream.write(`${look.paint('red', 'error:')} ${harmless(first)}\n`)
  for (const line of help.slice(0, helpLinesMax)) stream.write(`  ${harmless(line.trim())}\n`)
  if (verbose) stream.write(`${look.paint('dim', redactText(causes(error)))}\n`)
}

function causes(error: NarrowcastError): string {
  const lines = [`  code ${error.code}, definite ${error.definite}, retryable ${error.retryable}`]
  let cause: unknown = error
  while (cause instanceof Error) {
    lines.push(...(cause.stack ?? cause.message).split('\n').map((line) => `  ${line.trim()}`))
    cause = cause.cause
  }
  return lines.join('\n')
}
