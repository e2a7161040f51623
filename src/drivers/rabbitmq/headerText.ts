import { isUtf8 } from 'node:buffer'

/** A value of a header as text: as it is, or as JSON. AMQP has a dozen types, and headers here are text. */
export function headerText(value: unknown): string {
  const plain = plainOf(value)
  if (typeof plain === 'string') return plain
  return typeof plain === 'number' ? String(plain) : JSON.stringify(plain)
}

/** Without what is special in how the client shows it. */
function plainOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Uint8Array) {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    return bytes.toString(isUtf8(bytes) ? 'utf8' : 'base64')
  }
  if (Array.isArray(value)) return value.map(plainOf)
  if ('!' in value && 'value' in value) return markedOf(value['!'], value.value)
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, plainOf(one)]))
}

/** `{ '!': 'timestamp', value: 1 }`: of types that JavaScript has no values for. */
function markedOf(type: unknown, value: unknown): unknown {
  if (type === 'timestamp' && typeof value === 'number') {
    const date = new Date(value * 1_000)
    return Number.isNaN(date.getTime()) ? value : date.toISOString()
  }
  const { places, digits } = (value ?? {}) as { places?: unknown; digits?: unknown }
  return typeof places === 'number' && typeof digits === 'number'
    ? digits / 10 ** places
    : plainOf(value)
}
