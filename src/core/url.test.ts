import { describe, expect, test } from 'vitest'
import { parseBrokerUrl, parseBytes, parseDurationMs, redactUrl } from './url.ts'

test('a URL is taken apart into scheme, rest and options', () => {
  const url = parseBrokerUrl('file:./data/store?sync=full&lease=30s')
  expect(url).toMatchObject({ scheme: 'file', rest: './data/store' })
  expect([...url.options]).toEqual([
    ['sync', 'full'],
    ['lease', '30s'],
  ])
})

test('a URL without a scheme, or with an option twice, is refused', () => {
  expect(() => parseBrokerUrl('./data')).toThrow(/has no scheme/)
  expect(() => parseBrokerUrl('file:x?sync=full&sync=normal')).toThrow(/given twice/)
})

test('a password never shows, not even one that holds an @', () => {
  expect(redactUrl('redis://me:hunter2@host:6379/0')).toBe('redis://me:***@host:6379/0')
  expect(redactUrl('redis://:p@ss:word@host')).toBe('redis://:***@host')
  expect(redactUrl('file:./store')).toBe('file:./store')
})

test.for([
  ['amqp://h?management=http://me:hunter2@h:15672', 'amqp://h?management=http://me:***@h:15672'],
  [
    'amqp://me:a@h/v?heartbeat=5s&management=https://:p:@w@h',
    'amqp://me:***@h/v?heartbeat=5s&management=https://:***@h',
  ],
  [
    'amqp:?management=http%3A%2F%2Fa%20b%3Ahunter2%40h%3A1',
    'amqp:?management=http%3A%2F%2Fa%20b%3A***%40h%3A1',
  ],
  ['amqp://h?management=http://h:15672', 'amqp://h?management=http://h:15672'],
])('nor does that of a URL among its options: %s', ([text, shown]) => {
  expect(redactUrl(text as string)).toBe(shown)
})

describe('quantities need a unit', () => {
  test.each([
    ['500ms', 500],
    ['30s', 30_000],
    ['1.5h', 5_400_000],
    ['7d', 604_800_000],
  ])('%s', (text, ms) => expect(parseDurationMs('lease', text)).toBe(ms))

  test.each([
    ['32MB', 32_000_000],
    ['512KiB', 524_288],
    ['1B', 1],
  ])('%s', (text, bytes) => expect(parseBytes('roll', text)).toBe(bytes))

  test.each(['30', 's', '-1s', '3x', ''])('%j is refused, naming what it was for', (text) => {
    expect(() => parseDurationMs('lease', text)).toThrow(/^lease: .* is not a number with a unit/)
  })
})
