import type { IncomingMessage } from '../../core/message.ts'
import type { Invocation } from '../invocation.ts'
import { harmless } from '../output/displayWidth.ts'
import { isoTimeOrNull, showBytes } from '../output/quantities.ts'
import { fold } from '../output/wrap.ts'
import { textOf } from './facts.ts'
import { shownId } from './view.ts'

/** A message for people: head, headers, and the data laid out where it is JSON. */
export function messageLines(message: IncomingMessage, invocation: Invocation): string[] {
  return [...headLines(message, invocation), ...dataLines(message)]
}

/** All but the data, folded to the width. */
export function headLines(message: IncomingMessage, { output }: Invocation): string[] {
  const { id, key, timeMs, type, source, headers } = message
  const heads = Object.entries(headers).map(
    ([name, value]) => `header    ${harmless(name)}=${harmless(value)}`,
  )
  return [
    `id        ${output.look.paint('bold', shownId(id))}`,
    `key       ${harmless(key ?? '-')}`,
    `time      ${isoTimeOrNull(timeMs) ?? '-'}`,
    `type      ${harmless(type)}   source ${harmless(source)}`,
    ...heads,
  ].flatMap((line) => fold(line, output.width))
}

/** The data, as it can be copied. */
export function dataLines({ bytes, body }: IncomingMessage): string[] {
  return [`data      ${showBytes(bytes)}`, ...bodyLines(textOf(body))]
}

function bodyLines(text: string): string[] {
  try {
    const laidOut = JSON.stringify(JSON.parse(text), null, 2)
    return laidOut.split('\n').map((line) => `  ${harmless(line)}`)
  } catch {
    return text.split('\n').map((line) => `  ${harmless(line)}`) // no JSON: as it is
  }
}
