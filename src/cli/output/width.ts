import { parseWhole } from '../flags.ts'

/**
 * Columns of text: what was asked for, else those of the terminal; null where nothing limits them.
 * @throws INVALID_CONFIG for a wrong `--width`.
 */
export function widthOf(asked: string | undefined, stream: NodeJS.WriteStream): number | null {
  if (asked !== undefined) return parseWhole('--width', asked, { min: 20, max: 10_000 })
  return (stream.isTTY && stream.columns) || null
}

/** `--width N` among raw words: help is shown before any command line is complete. */
export function askedWidth(words: readonly string[]): string | undefined {
  const at = words.findLastIndex((word) => word === '--width' || word.startsWith('--width='))
  const word = words[at]
  return word === '--width' ? words[at + 1] : word?.slice('--width='.length)
}
