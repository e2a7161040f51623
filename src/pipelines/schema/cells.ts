import type { Cell, ColumnType, ScalarType } from './columnTypes.ts'

/** Why a cell was refused, and where in the row. Thrown and caught in this folder only. */
export class CellFault extends Error {
  readonly path: string

  constructor(path: string, text: string) {
    super(text)
    this.path = path
  }
}

/** Brings a value that is neither null nor undefined into the one form of its column. */
export type CellCheck = (value: unknown, path: string) => Cell

/** @throws CellFault from the check that it returns. */
export function cellCheck(type: ColumnType): CellCheck {
  if (typeof type === 'string') return scalarChecks[type]
  if (type.kind === 'list') return listCheck(type.item)
  return groupCheck(type.fields)
}

/** As `cellCheck`, with null where the column takes it. */
export function optionalCheck(type: ColumnType, nullable: boolean): CellCheck {
  const check = cellCheck(type)
  return (value, path) => {
    if (value !== null && value !== undefined) return check(value, path)
    if (nullable) return null
    throw new CellFault(path, 'is missing')
  }
}

function listCheck(item: { type: ColumnType; nullable: boolean }): CellCheck {
  const check = optionalCheck(item.type, item.nullable)
  return (value, path) => {
    if (!Array.isArray(value)) throw refused(path, value, 'an array')
    return Array.from(value, (one, at) => check(one, `${path}[${at}]`))
  }
}

function groupCheck(
  fields: readonly { name: string; type: ColumnType; nullable: boolean }[],
): CellCheck {
  const checks = fields.map(
    ({ name, type, nullable }) => [name, optionalCheck(type, nullable)] as const,
  )
  return (value, path) => {
    if (typeof value !== 'object') throw refused(path, value, 'an object')
    const group: Record<string, Cell> = {}
    for (const [name, check] of checks) {
      group[name] = check((value as Record<string, unknown>)[name], `${path}.${name}`)
    }
    return group
  }
}

function refused(path: string, value: unknown, expected: string): CellFault {
  return new CellFault(path, `expected ${expected}, got ${shown(value)}`)
}

function shown(value: unknown): string {
  if (typeof value === 'string') {
    return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)
  }
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') {
    return String(value)
  }
  return Array.isArray(value) ? 'an array' : typeof value
}

function small(name: string, min: number, max: number): CellCheck {
  return (value, path) => {
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) {
      return value + 0
    }
    throw refused(path, value, `${name}: an integer from ${min} to ${max}`)
  }
}

const digits = /^-?\d{1,20}$/

/** A number must be a safe integer; beyond that only bigint and decimal digits are exact. */
function wide(name: string, min: bigint, max: bigint): CellCheck {
  const isUnsigned = min === 0n
  return (value, path) => {
    if (typeof value === 'number') {
      if (Number.isSafeInteger(value) && !(isUnsigned && value < 0)) return value + 0
      if (Number.isInteger(value) && Math.abs(value) >= 2 ** 53) {
        throw new CellFault(
          path,
          `${value} is an unsafe integer, its last digits are lost already; expected a bigint or a string of digits`,
        )
      }
      throw refused(path, value, `${name}: an integer from ${min} to ${max}`)
    }
    const exact =
      typeof value === 'bigint'
        ? value
        : typeof value === 'string' && digits.test(value)
          ? BigInt(value)
          : null
    if (exact === null || exact < min || exact > max) {
      throw refused(path, value, `${name}: an integer from ${min} to ${max}`)
    }
    const number = Number(exact)
    return Number.isSafeInteger(number) ? number : exact
  }
}

function float(name: string, round: (value: number) => number): CellCheck {
  return (value, path) => {
    const rounded = typeof value === 'number' ? round(value) : Number.NaN
    if (Number.isFinite(rounded)) return rounded + 0
    throw refused(path, value, `${name}: a finite number`)
  }
}

function text(value: unknown, path: string): string {
  if (typeof value !== 'string') throw refused(path, value, 'a string')
  if (value.isWellFormed()) return value
  throw new CellFault(path, 'has half of a surrogate pair, which UTF-8 cannot hold')
}

const uuidForm = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

function uuid(value: unknown, path: string): string {
  if (typeof value === 'string' && uuidForm.test(value)) return value.toLowerCase()
  throw refused(path, value, 'a UUID of 36 characters')
}

/** The years 1 to 9999, which every reader knows. */
const timeMsMin = -62_135_596_800_000
const timeMsMax = 253_402_300_799_999
const timeForm = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d))$/

/** A Date, ms since 1970, or RFC 3339 text, of which digits beyond the millisecond are cut. */
function timestamp(value: unknown, path: string): number {
  const timeMs = typeof value === 'string' ? parsedTimeMs(value) : Number(asTime(value))
  if (Number.isInteger(timeMs) && timeMs >= timeMsMin && timeMs <= timeMsMax) return timeMs + 0
  throw refused(
    path,
    value,
    'a time of the years 1 to 9999 as a Date, whole ms since 1970, or text like 2026-01-31T23:59:59Z with its zone',
  )
}

function asTime(value: unknown): Date | number {
  return typeof value === 'number' || value instanceof Date ? value : Number.NaN
}

/** The form is rebuilt first: another one makes the engine guess, and take the 30th of February. */
function parsedTimeMs(value: string): number {
  const [, day, time] = timeForm.exec(value) ?? []
  if (day === undefined || time === undefined || !isDay(day)) return Number.NaN
  return Date.parse(`${day}T${time.toUpperCase()}`)
}

const dayForm = /^\d{4}-\d\d-\d\d$/

function isDay(value: string): boolean {
  if (!dayForm.test(value)) return false
  const timeMs = Date.parse(value)
  return !Number.isNaN(timeMs) && new Date(timeMs).toISOString().startsWith(value)
}

/** A Date, of which the UTC day counts, or `YYYY-MM-DD`. */
function date(value: unknown, path: string): string {
  if (typeof value === 'string' && value >= '0001' && isDay(value)) return value
  if (value instanceof Date) {
    const timeMs = value.getTime()
    if (timeMs >= timeMsMin && timeMs <= timeMsMax) return value.toISOString().slice(0, 10)
  }
  throw refused(path, value, 'a day of the years 1 to 9999 as a Date or text like 2026-01-31')
}

const depthMax = 100

/** JSON text of exactly this value; nothing is left out or rounded on the way. */
function json(value: unknown, path: string): string {
  checkJson(value, path, 0)
  return JSON.stringify(value)
}

function checkJson(value: unknown, path: string, depth: number): void {
  if (value === null || typeof value === 'boolean') return
  if (typeof value === 'string') {
    text(value, path)
    return
  }
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw refused(path, value, 'a value that JSON can hold')
    return
  }
  if (depth > depthMax) throw new CellFault(path, `is nested deeper than ${depthMax} levels`)
  if (Array.isArray(value)) {
    for (const [at, item] of value.entries()) checkJson(item, `${path}[${at}]`, depth + 1)
    return
  }
  if (!isPlain(value)) throw refused(path, value, 'a value that JSON can hold')
  for (const [key, item] of Object.entries(value)) {
    text(key, path)
    if (item !== undefined) checkJson(item, `${path}.${key}`, depth + 1)
  }
}

/** A Date, a Map or an object with toJSON would be written as something else than it is. */
function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return (prototype === Object.prototype || prototype === null) && !('toJSON' in value)
}

function boolean(value: unknown, path: string): boolean {
  if (typeof value === 'boolean') return value
  throw refused(path, value, 'true or false')
}

const scalarChecks: Readonly<Record<ScalarType, CellCheck>> = {
  boolean,
  int8: small('int8', -0x80, 0x7f),
  int16: small('int16', -0x8000, 0x7fff),
  int32: small('int32', -0x8000_0000, 0x7fff_ffff),
  int64: wide('int64', -(2n ** 63n), 2n ** 63n - 1n),
  uint8: small('uint8', 0, 0xff),
  uint16: small('uint16', 0, 0xffff),
  uint32: small('uint32', 0, 0xffff_ffff),
  uint64: wide('uint64', 0n, 2n ** 64n - 1n),
  float32: float('float32', Math.fround),
  float64: float('float64', (value) => value),
  string: text,
  uuid,
  timestamp,
  date,
  json,
}
