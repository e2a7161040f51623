import { displayWidth } from './displayWidth.ts'

/** Between words, but not between a number and its unit. */
const gap = /(?<!\d) | (?!(?:m?s|[kMGT]?i?B)\b)/

/** A text in lines of at most `width` columns, broken between words, and inside where one is longer. */
export function wrap(text: string, width: number): string[] {
  return filled(
    text.split(gap).flatMap((one) => pieces(one, width)),
    width,
  )
}

/**
 * A line of an answer in lines of at most `width` columns; those that go on stand two deeper. No
 * word is broken, so an id, a path or a URL can be copied, however narrow the window is.
 */
export function fold(line: string, width: number): string[] {
  if (displayWidth(line) <= width) return [line]
  const indent = /^ */.exec(line)?.[0] ?? ''
  const room = Math.max(1, width - indent.length - 2)
  return filled(line.trimStart().split(gap), room).map(
    (part, at) => `${indent}${at === 0 ? '' : '  '}${part.trim()}`,
  )
}

function filled(words: readonly string[], width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of words) {
    const longer = line === '' ? word : `${line} ${word}`
    if (line === '' || displayWidth(longer) <= width) line = longer
    else {
      lines.push(line)
      line = word
    }
  }
  return [...lines, line]
}

/** A long word breaks after a sign that joins its parts, else where the room ends. */
function pieces(word: string, width: number): string[] {
  if (displayWidth(word) <= width || [...word].length === 1) return [word]
  const fits = [...word].findIndex(
    (_, at, all) => displayWidth(all.slice(0, at + 1).join('')) > width,
  )
  const start = [...word].slice(0, Math.max(1, fits)).join('')
  const joint =
    Math.max(...['|', ',', '/', ':', '-', '='].map((sign) => start.lastIndexOf(sign))) + 1
  const at = joint > start.length / 3 ? joint : start.length
  return [word.slice(0, at), ...pieces(word.slice(at), width)]
}

/** A command line for a shell in lines of at most `width` columns, as far as its words allow. */
export function wrapCommand(command: string, width: number, indent: string): string[] {
  const words = command.match(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g) ?? []
  const lines: string[] = []
  for (const word of words) {
    const last = lines.at(-1)
    // Room for the backslash that every line but the last ends with.
    if (last !== undefined && displayWidth(`${last} ${word} \\`) <= width) {
      lines[lines.length - 1] = `${last} ${word}`
    } else lines.push(last === undefined ? word : indent + word)
  }
  if (displayWidth(command) <= width) return [command]
  return lines.map((line, at) => (at < lines.length - 1 ? `${line} \\` : line))
}
