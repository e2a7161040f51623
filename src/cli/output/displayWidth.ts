import { stripVTControlCharacters } from 'node:util'

const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' })
const plain = /^[\x20-\x7e]*$/
const wide =
  /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6]|[\u{20000}-\u{3fffd}]/u
const invisible = /^[\p{Mark}\u200b-\u200f\ufeff]+$/u
const esc = '\x1b'
const sequence = new RegExp(`(${esc}\\[[0-9;?]*[A-Za-z])`)

/** Columns that a text takes on a terminal, colours not counted. */
export function displayWidth(text: string): number {
  if (plain.test(text)) return text.length
  let width = 0
  for (const { segment } of segmenter.segment(stripVTControlCharacters(text))) width += one(segment)
  return width
}

function one(segment: string): number {
  if (invisible.test(segment)) return 0
  return wide.test(segment) || segment.includes('\ufe0f') ? 2 : 1
}

/** The text cut to `columns`, its end replaced by `ellipsis`. Colours stay, and end with it. */
export function cut(text: string, columns: number, ellipsis: string): string {
  if (displayWidth(text) <= columns) return text
  const room = columns - displayWidth(ellipsis)
  if (room < 0) return ellipsis.slice(0, Math.max(0, columns))
  let kept = ''
  let width = 0
  let isColoured = false
  for (const part of text.split(sequence)) {
    if (part.startsWith(esc)) {
      isColoured = true
      kept += part
      continue
    }
    for (const { segment } of segmenter.segment(part)) {
      width += one(segment)
      if (width > room) return kept + ellipsis + (isColoured ? `${esc}[0m` : '')
      kept += segment
    }
  }
  return kept
}

export function padEnd(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - displayWidth(text)))
}

export function padStart(text: string, columns: number): string {
  return ' '.repeat(Math.max(0, columns - displayWidth(text))) + text
}

/**
 * Makes text from a message fit for a terminal: control characters could move the cursor or
 * change its title, so they are shown as escapes.
 */
export function harmless(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_C}]/gu, (found) => {
    if (found === '\n') return '\\n'
    if (found === '\t') return '\\t'
    if (found === '\r') return '\\r'
    return `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}
