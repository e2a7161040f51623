import { NarrowcastError } from '../../core/errors.ts'

export const formats = ['text', 'wide', 'json', 'ndjson', 'csv', 'md', 'none'] as const
export type Format = (typeof formats)[number]

/** @throws INVALID_CONFIG, naming where the word came from. */
export function checkFormat(from: string, word: string): Format {
  const found = formats.find((format) => format === word)
  if (found) return found
  throw new NarrowcastError(
    'INVALID_CONFIG',
    `${from}: unknown output ${JSON.stringify(word)}; expected ${formats.join(', ')}`,
  )
}

/**
 * The wish for JSON, read from the raw words: an error in the command line itself must already be
 * told in the form that was asked for.
 */
export function wantsJson(
  words: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  const end = words.indexOf('--')
  const before = end === -1 ? words : words.slice(0, end)
  if (before.includes('--json')) return true
  const asked = before.findLast((word, at) => {
    const last = before[at - 1]
    return last === '-o' || last === '--output' || /^--output=|^-o./.test(word)
  })
  const format = asked?.replace(/^--output=|^-o/, '') ?? env.NARROWCAST_OUTPUT
  return format === 'json' || format === 'ndjson'
}
