import type { Count } from '../../core/message.ts'

const withCommas = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })

/** `1,204`; `-` for a number that the backend does not have. */
export function showCount(count: Count | null): string {
  return typeof count === 'number' ? withCommas.format(count) : '-'
}

/** `1 file`, `1,204 files`, `2 processes`. */
export function countOf(count: number, thing: string): string {
  const ending = thing.endsWith('s') ? 'es' : 's'
  return `${showCount(count)} ${thing}${count === 1 ? '' : ending}`
}

/** A count in JSON: null for a number that the backend does not have. */
export function countJson(count: Count): number | null {
  return count === 'unknown' ? null : count
}

/** `312 B`, `712 kB`, `1.5 MB`: three digits are enough to compare. */
export function showBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1_000
    unit++
  }
  return `${unit === 0 || value >= 9.95 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`
}

/** `312 B`, `64 MiB`: a limit, exact to a tenth of its unit. */
export function showLimit(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const unit = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10))
  const value = bytes / 1_024 ** unit
  return `${Number.isInteger(value) ? value : value.toFixed(1)} ${units[unit]}`
}

/** `1.8 ms`, `29 ms`, `10.2 s`, `1m 27s`, `2h 5m`, `3d 4h`. */
export function showDuration(ms: Count | null): string {
  if (typeof ms !== 'number') return '-'
  if (ms < 9.95) return `${ms.toFixed(1).replace(/\.0$/, '')} ms`
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 59_950) return `${(ms / 1_000).toFixed(1)} s`
  const seconds = Math.round(ms / 1_000)
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m ${seconds % 60}s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 1_440) return `${Math.floor(minutes / 60)}h ${minutes % 60}m`
  const hours = Math.round(minutes / 60)
  return `${Math.floor(hours / 24)}d ${hours % 24}h`
}

/** `118/s`, `0.4/s`. */
export function showRate(perSecond: number): string {
  const isSmall = perSecond > 0 && perSecond < 9.95
  return `${isSmall ? perSecond.toFixed(1).replace(/\.0$/, '') : showCount(Math.round(perSecond))}/s`
}

/** `01:12`, `1:00:03`: how long something has run. */
export function showElapsed(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000))
  const pad = (value: number) => String(value).padStart(2, '0')
  const rest = `${pad(Math.floor(seconds / 60) % 60)}:${pad(seconds % 60)}`
  return seconds < 3_600 ? rest : `${Math.floor(seconds / 3_600)}:${rest}`
}

/** RFC 3339 in UTC: the form of every time in JSON. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}

/** Null for a time that nobody said. */
export function isoTimeOrNull(ms: number): string | null {
  return Number.isNaN(ms) ? null : isoTime(ms)
}

/** `12:04:31.118` today, `2026-11-20 12:04:31` else; in the local time zone unless `utc`. */
export function showTime(ms: number, nowMs: number, utc: boolean): string {
  if (Number.isNaN(ms)) return '-'.padEnd('12:04:31.118'.length)
  const date = dateParts(ms, utc)
  if (date.day === dateParts(nowMs, utc).day) return date.time
  return `${date.day} ${date.time.slice(0, 8)}`
}

function dateParts(ms: number, utc: boolean): { day: string; time: string } {
  const shiftMs = utc ? 0 : new Date(ms).getTimezoneOffset() * 60_000
  const text = new Date(ms - shiftMs).toISOString()
  return { day: text.slice(0, 10), time: text.slice(11, 23) }
}
