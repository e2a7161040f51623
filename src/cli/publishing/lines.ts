import { isUtf8 } from 'node:buffer'

export type Line = {
  /** From 1. */
  readonly number: number
} & (
  | { readonly text: string }
  /** Not kept: no text can stand for it. */
  | { readonly text: null; readonly why: 'tooLong' | 'notUtf8' }
)

const newline = 0x0a

/**
 * Splits a stream of bytes into lines, a chunk's worth at a time. Memory stays bounded: of a line
 * longer than `bytesMax` only its number is given. Bytes that are not UTF-8 are never replaced:
 * such a line has no text. Empty lines are left out.
 */
export async function* linesOf(
  input: AsyncIterable<Buffer | string>,
  bytesMax: number,
): AsyncGenerator<Line[]> {
  let pieces: Buffer[] = []
  let bytes = 0
  let number = 0
  const keep = (piece: Buffer) => {
    bytes += piece.length
    if (bytes > bytesMax) pieces = []
    else pieces.push(piece)
  }
  const take = (): Line[] => {
    const line = lineOf(++number, bytes > bytesMax ? null : Buffer.concat(pieces))
    pieces = []
    bytes = 0
    return line
  }
  for await (const chunk of input) {
    const rest = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    const lines: Line[] = []
    let from = 0
    for (let at = rest.indexOf(newline); at >= 0; at = rest.indexOf(newline, from)) {
      keep(rest.subarray(from, at))
      lines.push(...take())
      from = at + 1
    }
    if (from < rest.length) keep(rest.subarray(from))
    if (lines.length > 0) yield lines
  }
  const last = bytes === 0 ? [] : take()
  if (last.length > 0) yield last
}

/** Null: too long. */
function lineOf(number: number, bytes: Buffer | null): Line[] {
  if (bytes === null) return [{ number, text: null, why: 'tooLong' }]
  if (!isUtf8(bytes)) return [{ number, text: null, why: 'notUtf8' }]
  const text = bytes.toString()
  const line = text.endsWith('\r') ? text.slice(0, -1) : text
  return line.trim() === '' ? [] : [{ number, text: line }]
}
