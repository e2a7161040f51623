import { isUtf8 } from 'node:buffer'
import { join, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { DeadEntry } from '../../core/driver.ts'
import type { Invocation } from '../invocation.ts'
import { messageLines } from '../messages/whole.ts'
import { harmless } from '../output/displayWidth.ts'
import { isoTime, showCount } from '../output/quantities.ts'
import { wrap } from '../output/wrap.ts'

const nameColumns = 10
const framesMax = 5
const ownFolder = join(import.meta.dirname, '../..') + sep
/** This package, run from here or from where a worker has installed it, and Node itself. */
const own = [
  ownFolder,
  pathToFileURL(ownFolder).href,
  '/node_modules/narrowcast/',
  'node:internal/',
]

/** A dead letter for people: the message, and what is known of its death. */
export function deadLines(entry: DeadEntry, invocation: Invocation): string[] {
  const { ref, message, letter } = entry
  const { error, firstFailedMs } = letter
  const part = (name: string, text: string) => {
    const lines = wrap(harmless(text), Math.max(1, invocation.output.width - nameColumns))
    return lines.map((line, at) => (at === 0 ? name : '').padEnd(nameColumns) + line)
  }
  const group = letter.group === null ? '' : `, group ${letter.group}`
  return [
    ...messageLines(message, invocation),
    ...(isText(message.body) ? [] : part('', 'no UTF-8 text: --raw writes its bytes')),
    ...part('ref', `#${ref}`),
    ...part('cause', `${letter.cause}: ${letter.reason}`),
    ...(error ? part('error', `${error.name}: ${error.message}`) : []),
    ...framesOf(error?.stack ?? '').flatMap((frame) => part('', frame)),
    ...part(
      'history',
      `${letter.failures} failures, ${showCount(letter.crashes)} crashes, ${letter.redrives} redrives`,
    ),
    ...part('died', `${isoTime(letter.diedMs)} at ${letter.worker}${group}`),
    ...(firstFailedMs === null ? [] : part('failed', `first ${isoTime(firstFailedMs)}`)),
  ]
}

function isText(body: string | Uint8Array): boolean {
  return typeof body === 'string' || isUtf8(body)
}

/** Where the handler failed: what called it is the same for every message. */
export function framesOf(stack: string): string[] {
  return stack
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('at ') && !own.some((place) => line.includes(place)))
    .slice(0, framesMax)
}
