export function shownNumber(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: 2 })
}

/** Three digits that matter: `850 µs`, `12.5 ms`, `3.04 s`. */
export function shownMs(ms: number): string {
  if (ms === 0) return '0 ms'
  if (Math.abs(ms) < 0.9995) return `${digits(ms * 1_000)} µs`
  return Math.abs(ms) < 999.5 ? `${digits(ms)} ms` : `${digits(ms / 1_000)} s`
}

function digits(value: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits: 3 })
}

/** `1 message`, `2 messages` */
export function counted(count: number, word: string): string {
  return `${shownNumber(count)} ${word}${count === 1 ? '' : 's'}`
}

/** `2.5 s` */
export function shownSeconds(ms: number): string {
  return `${shownNumber(ms / 1_000)} s`
}
