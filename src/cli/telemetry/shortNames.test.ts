import { expect, test } from 'vitest'
import { shortNames } from './shortNames.ts'

const short = (...ids: string[]) => [...shortNames(ids).values()]

test('the label is enough where no other begins like it', () => {
  expect(short('w1-aaaaaaaa', 'w2-aaaaaaaa')).toEqual(['w1', 'w2'])
})

test('two that look alike get as much of the rest as tells them apart', () => {
  expect(short('w-abcdefgh', 'w-abxxxxxx', 'mail-abcdefgh')).toEqual(['w-abc', 'w-abx', 'mail'])
  expect(short('w-abcdefgh', 'w-xbcdefgh')).toEqual(['w-ab', 'w-xb'])
})

test('a label that begins another one is no prefix of one id alone', () => {
  expect(short('w-aaaaaaaa', 'w-aa-bbbbbbbb')).toEqual(['w-aaa', 'w-aa-bb'])
})

test('the same id is one worker, on however many channels', () => {
  expect(short('w-aaaaaaaa', 'w-aaaaaaaa')).toEqual(['w'])
})
