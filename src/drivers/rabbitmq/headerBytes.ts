/** The type of a value, and the lengths of value and name. */
const fieldBytes = 6

/** At least what the client writes them in. */
export function headerBytes(headers: Readonly<Record<string, unknown>>): number {
  return Object.entries(headers).reduce((sum, [name, value]) => sum + bytesOf(name, value), 0)
}

/** Of one of them. */
export function bytesOf(name: string, value: unknown): number {
  return fieldBytes + Buffer.byteLength(name) + valueBytes(value)
}

function valueBytes(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value)
  if (value instanceof Uint8Array) return value.length
  if (typeof value !== 'object' || value === null) return 8
  return headerBytes(value as Record<string, unknown>)
}
