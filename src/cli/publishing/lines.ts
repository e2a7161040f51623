import { StringDecoder } from 'node:string_decoder'

export interface Line {
  /** From 1. */
  readonly number: number
  /** Null: longer than allowed, and not kept. */
  readonly text: string | null
}

/**
 * Splits a stream of bytes into lines, a chunk's worth at a time. Memory stays bounded: of a line
 * longer than `lengthMax` only its number is given. Empty lines are left out.
 */
export async function* linesOf(
  input: AsyncIterable<Buffer | string>,
  lengthMax: number,
): AsyncGenerator<Line[]> {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  let isTooLong = false
  let number = 0
  const take = (text: string): Line[] => {
    number++
    const wasTooLong = isTooLong || text.length > lengthMax
    isTooLong = false
    const line = text.endsWith('\r') ? text.slice(0, -1) : text
    if (wasTooLong) return [{ number, text: null }]
    return line.trim() === '' ? [] : [{ number, text: line }]
  }
  for await (const chunk of input) {
    const parts = (typeof chunk === 'string' ? chunk : decoder.write(chunk)).split('\n')
    parts[0] = rest + parts[0]
    rest = parts.pop() as string
    const lines = parts.flatMap(take)
    if (rest.length > lengthMax) {
      isTooLong = true
      rest = ''
    }
    if (lines.length > 0) yield lines
  }
  rest += decoder.end()
  const last = rest === '' && !isTooLong ? [] : take(rest)
  if (last.length > 0) yield last
}
