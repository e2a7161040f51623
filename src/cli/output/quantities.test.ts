import { describe, expect, it } from 'vitest'
import {
  countJson,
  countOf,
  isoTime,
  showBytes,
  showCount,
  showDuration,
  showElapsed,
  showLimit,
  showRate,
  showTime,
} from './quantities.ts'

describe('quantities', () => {
  it.for([
    [0, '0 ms'],
    [1.84, '1.8 ms'],
    [29.4, '29 ms'],
    [999.4, '999 ms'],
    [999.6, '1.0 s'],
    [10_240, '10.2 s'],
    [59_960, '1m 0s'],
    [87_000, '1m 27s'],
    [7_500_000, '2h 5m'],
    [3_599_600, '1h 0m'],
    [86_400_000, '1d 0h'],
    [273_600_000, '3d 4h'],
  ] as const)('%d ms is %s', ([ms, text]) => expect(showDuration(ms)).toBe(text))

  it.for([
    [0, '0 B'],
    [999, '999 B'],
    [1_000, '1.0 kB'],
    [9_960, '10 kB'],
    [712_300, '712 kB'],
    [999_700, '1.0 MB'],
    [2_600_000_000, '2.6 GB'],
  ] as const)('%d bytes are %s', ([bytes, text]) => expect(showBytes(bytes)).toBe(text))

  it.for([
    [1, '1 B'],
    [1_000, '1000 B'],
    [1_048_576, '1 MiB'],
    [1_000_000, '976.6 KiB'],
    [67_108_864, '64 MiB'],
  ] as const)('a limit of %d bytes is %s', ([bytes, text]) => expect(showLimit(bytes)).toBe(text))

  it('separates thousands, and says - for what is not known', () => {
    expect(showCount(1_204_000)).toBe('1,204,000')
    expect(showCount('unknown')).toBe('-')
    expect(showDuration(null)).toBe('-')
    expect(countJson('unknown')).toBeNull()
    expect(countOf(1, 'file')).toBe('1 file')
    expect(countOf(1_204, 'file')).toBe('1,204 files')
    expect(countOf(2, 'process')).toBe('2 processes')
  })

  it('shows rates and run times', () => {
    expect(showRate(0)).toBe('0/s')
    expect(showRate(0.44)).toBe('0.4/s')
    expect(showRate(7_042.3)).toBe('7,042/s')
    expect(showElapsed(72_400)).toBe('01:12')
    expect(showElapsed(3_603_000)).toBe('1:00:03')
  })

  it('leaves out the day of today, and says UTC in JSON', () => {
    const ms = Date.UTC(2026, 10, 20, 12, 4, 31, 118)
    expect(showTime(ms, ms + 1_000, true)).toBe('12:04:31.118')
    expect(showTime(ms, ms + 86_400_000, true)).toBe('2026-11-20 12:04:31')
    expect(isoTime(ms)).toBe('2026-11-20T12:04:31.118Z')
  })
})
