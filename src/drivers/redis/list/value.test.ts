import { expect, test } from 'vitest'
import { readValue } from './value.ts'

test('what was never handed out is as its producer wrote it', () => {
  const element = Buffer.from('{"n":1}')
  expect(readValue(element)).toEqual({
    ...{ failures: 0, crashes: 0, sinceMs: 0, past: null, tag: null },
    element,
  })
})

test('what stands beside it is read, the element byte for byte', () => {
  const last = JSON.stringify({ name: 'Error', message: 'ä\n', worker: 'w', atMs: 9 })
  const element = Buffer.from([0, 255, 10, 32])
  const key = 'kéy\n 1'
  const sizes = [Buffer.byteLength(last), '3:0000000000000007:h', Buffer.byteLength(key)]
  const head = `\u00002 1 77 5 ${sizes.join(' ')} reader-1\n${key}${last}`
  expect(readValue(Buffer.concat([Buffer.from(head), element]))).toEqual({
    failures: 2,
    crashes: 1,
    sinceMs: 77,
    past: { firstFailedMs: 5, last: JSON.parse(last) },
    tag: 'reader-1',
    element,
  })
})
