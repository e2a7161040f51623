import { hash } from 'node:crypto'
import type { Cell } from '../schema/columnTypes.ts'

const plain = /^[A-Za-z0-9_+-][A-Za-z0-9._+-]*$/
/** Device names, which Windows gives no file, with any ending. */
const device = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i
const lengthMax = 150

/**
 * The value of a key as a part of a file name: on every system, without a way out of its folder,
 * and different for different values (where the file system tells case apart).
 */
export function escapeKey(value: Cell): string {
  const text = String(value)
  if (plain.test(text) && !device.test(text) && text.length <= lengthMax) return text
  if (text === '') return '%'
  const escaped = device.test(text)
    ? `%${hex(text.charCodeAt(0))}${escapeText(text.slice(1))}`
    : escapeText(text)
  if (escaped.length <= lengthMax) return escaped
  // A cut could divide an escape; what follows the % is no hexadecimal number, so nothing clashes.
  return `${escaped.slice(0, 80)}%~${hash('sha256', text, 'hex').slice(0, 40)}`
}

function escapeText(text: string): string {
  const safe = text.replace(/[^A-Za-z0-9._+-]/gu, (found) =>
    [...Buffer.from(found)].map((byte) => `%${hex(byte)}`).join(''),
  )
  return safe.startsWith('.') ? `%2e${safe.slice(1)}` : safe
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0')
}
