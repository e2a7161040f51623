import { headerText } from './headerText.ts'

/** Numbers from here on the client writes as integers of 64 bits, if they are or not. */
const guessedMin = 2 ** 50
const longMin = -(2 ** 63)

/**
 * A value of a header of others as the client, which has read it, can write it. What it has no way to
 * write becomes the text that handlers are given.
 */
export function writable(value: unknown): unknown {
  if (typeof value === 'number') return isGuessed(value) ? value : { '!': 'double', value }
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  if (Array.isArray(value)) return value.map(writable)
  if ('!' in value) return isMarked(value) ? value : headerText(value)
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, writable(one)]))
}

function isGuessed(value: number): boolean {
  return Math.abs(value) < guessedMin || (Number.isInteger(value) && value >= longMin)
}

/** The client's words for a type of its own; the table of another program may look like them. */
function isMarked(marked: { '!': unknown; value?: unknown }): boolean {
  const { '!': type, value } = marked
  if (type === 'timestamp') return Number.isSafeInteger(value) && Number(value) >= 0
  const { places, digits } = (value ?? {}) as { places?: unknown; digits?: unknown }
  return type === 'decimal' && isBelow(2 ** 8, places) && isBelow(2 ** 32, digits)
}

const isBelow = (most: number, value: unknown) =>
  Number.isInteger(value) && Number(value) >= 0 && Number(value) < most
