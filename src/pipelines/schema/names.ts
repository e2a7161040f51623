import { NarrowcastError } from '../../core/errors.ts'

const lengthMax = 100
const form = /^[A-Za-z][A-Za-z0-9_]*$/
/** Device names, which Windows gives no file, with any ending. */
const device = /^(con|prn|aux|nul|com\d|lpt\d)$/i

/** @throws INVALID_ARGUMENT; a table's name becomes a folder, on every system. */
export function checkTableName(name: unknown): void {
  const wrong = nameFault(name) ?? (device.test(String(name)) ? 'is a device name' : null)
  if (wrong !== null) throw refused('defineTable: table name', name, wrong)
}

/**
 * `seen` holds the names of the same level in lower case: readers do not tell case apart.
 * @throws INVALID_ARGUMENT.
 */
export function checkColumnName(
  who: string,
  path: string,
  name: string,
  seen: Map<string, string>,
): void {
  const within = path === '' ? '' : ` in ${path}`
  const twin = seen.get(name.toLowerCase())
  const wrong =
    nameFault(name) ??
    (twin === undefined ? null : `differs from ${twin} in case only`) ??
    (path === '' ? reserved.get(name.toLowerCase()) : undefined)
  if (wrong) throw refused(`${who}: column name${within}`, name, wrong)
  seen.set(name.toLowerCase(), name)
}

/** The folder of a partition is `date=…`: many readers take its value for the column's. */
const reserved = new Map([['date', 'is taken by the partitions of the lake']])

function nameFault(name: unknown): string | null {
  if (typeof name !== 'string') return 'is not a string'
  if (name.length > lengthMax) return `has ${name.length} characters`
  if (!form.test(name)) return 'does not begin with a letter, or has a character beyond A–Z, 0–9, _'
  return name in Object.prototype ? 'is a property of every object' : null
}

function refused(what: string, name: unknown, wrong: string): NarrowcastError {
  return new NarrowcastError(
    'INVALID_ARGUMENT',
    `${what} ${JSON.stringify(name)} ${wrong}; expected 1 to ${lengthMax} letters, digits or "_", a letter first`,
  )
}
