/** Where things lie under the root of a lake. Names of files never come from a counter in memory. */
export const lakeFile = '_lake.json'
export const manifestFile = '_manifest.sqlite'
export const tempFolder = '_tmp'
export const deadFolder = '_dead'
const tempEnd = '.inprogress'

/** `_tmp/<owner>-<commit>-<n>.inprogress`: never ends in .parquet or .gz. */
export function tempName(owner: string, commit: string, n: number): string {
  return `${tempFolder}/${owner}-${commit}-${n}${tempEnd}`
}

/** The owner that a name inside `_tmp` carries; null for a foreign file. */
export function ownerOfTemp(name: string): string | null {
  const at = name.indexOf('-')
  return at > 0 && name.endsWith(tempEnd) ? name.slice(0, at) : null
}

export function dataName(
  table: string,
  version: number,
  date: string,
  commit: string,
  extension: string,
): string {
  const folder = version === 1 ? table : `${table}/v=${version}`
  return `${folder}/date=${date}/part-${commit}${extension}`
}

export function deadName(pipeline: string, date: string, commit: string): string {
  return `${deadFolder}/${pipeline}/date=${date}/${commit}.ndjson`
}

const dayMs = 86_400_000
let lastDay = Number.NaN
let lastDate = ''

/** The day of a time in UTC, YYYY-MM-DD. */
export function dateOf(timeMs: number): string {
  const day = Math.floor(timeMs / dayMs)
  if (day !== lastDay) {
    lastDate = new Date(day * dayMs).toISOString().slice(0, 10)
    lastDay = day
  }
  return lastDate
}

/** True where `dateOf` gives a day with a year of four digits; else it must not be asked. */
export function hasDate(timeMs: number): boolean {
  return timeMs >= 0 && timeMs < 253_402_300_800_000
}
