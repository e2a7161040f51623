const withCommas = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })

/** `10,000` */
export function showCount(count: number): string {
  return withCommas.format(count)
}

/** `1 kill`, `5 kills` */
export function countOf(count: number, thing: string): string {
  return `${showCount(count)} ${thing}${count === 1 ? '' : 's'}`
}

/** `1.9 ms`, `38 ms`, `2.12 s`, `14.2 s`, `1m 27s` */
export function showMs(ms: number): string {
  if (ms < 9.95) return `${ms.toFixed(1).replace(/\.0$/, '')} ms`
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 9_995) return `${trimmed((ms / 1_000).toFixed(2))} s`
  if (ms < 59_950) return `${trimmed((ms / 1_000).toFixed(1))} s`
  const seconds = Math.round(ms / 1_000)
  return `${Math.floor(seconds / 60)}m ${seconds % 60}s`
}

/** Only a number that is whole says so in short: `2 s`, but `2.10 s`. */
function trimmed(number: string): string {
  return number.replace(/\.0+$/, '')
}

/** `45 %`, `9.5 %`, `0.05 %`; a share that is not 0 is never shown as 0. */
export function showShare(share: number): string {
  const percent = share * 100
  if (percent === 0) return '0 %'
  if (percent < 0.01) return '< 0.01 %'
  const digits = percent < 0.095 ? 2 : percent < 9.95 ? 1 : 0
  return `${trimmed(percent.toFixed(digits))} %`
}

/** A time since time zero: `00:08.740` */
export function showClock(ms: number): string {
  const whole = Math.round(Math.abs(ms))
  const pad = (value: number, digits: number) => String(value).padStart(digits, '0')
  const minutes = Math.floor(whole / 60_000)
  const seconds = Math.floor(whole / 1_000) % 60
  return `${ms < 0 ? '-' : ''}${pad(minutes, 2)}:${pad(seconds, 2)}.${pad(whole % 1_000, 3)}`
}

/** `1`, `1 and 2`, `1, 2 and 3` */
export function listed(words: readonly string[]): string {
  if (words.length < 2) return words.join()
  return `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`
}
