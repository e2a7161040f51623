import { NarrowcastError } from '../core/errors.ts'

/** The refusal of one option: its name, what is allowed, what came. */
export function wrongOption(name: string, expected: string, got: unknown): NarrowcastError {
  const shown = typeof got === 'string' ? JSON.stringify(got) : String(got)
  return new NarrowcastError(
    'INVALID_ARGUMENT',
    `option ${name}: expected ${expected}, got ${shown}`,
  )
}

/** `value`, or `fallback` where it is absent; a whole number in [min, max]. */
export function whole(
  name: string,
  value: number | undefined,
  fallback: number,
  min: number,
  max: number = Number.MAX_SAFE_INTEGER,
): number {
  if (value === undefined) return fallback
  if (Number.isInteger(value) && value >= min && value <= max) return value
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`
  throw wrongOption(name, `a whole number ${range}`, value)
}

/** Refuses names that nobody reads: a typing error must not pass for a wish. */
export function onlyKnown(what: string, given: object, known: readonly string[]): void {
  if (typeof given !== 'object' || given === null) {
    throw new NarrowcastError('INVALID_ARGUMENT', `${what}: expected an object, got ${given}`)
  }
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue
    throw new NarrowcastError(
      'INVALID_ARGUMENT',
      `${what}: unknown option ${name}; known are ${known.join(', ')}`,
    )
  }
}
