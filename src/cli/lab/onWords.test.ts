import { expect, test } from 'vitest'
import { onWords } from './onWords.ts'

const names = ['file', 'redis-list']

test.for([
  ['file', ['file']],
  ['file,redis-list@safe', ['file', 'redis-list@safe']],
  ['file,file:./store', ['file', 'file:./store']],
  ['redis://one:1,two:2/0', ['redis://one:1,two:2/0']],
  ['redis://:a,b@one,files', ['redis://:a,b@one,files']],
  ['redis://one,file:6379', ['redis://one,file:6379']],
] as const)('--on %s', ([list, words]) => {
  expect(onWords(list, names)).toEqual(words)
})

test.for([
  ['file,redis://:secret@127.0.0.1:1', 'redis://:***@127.0.0.1:1 has file beside it', '--on file '],
  ['file:./a,redis-list,redis://h', 'redis://h has redis-list beside it', '--on redis://h'],
  ['redis://:secret@h,rediss://h', 'rediss://h has redis://:***@h beside it', '--on rediss://h'],
  ['file,redis://:se,cret@h', 'redis://:***@h has file beside it', '--on file '],
  ['redis://:secret@h:1,file', 'redis://:***@h:1 has file beside it', 'name: file:6379'],
  ['redis://h,redis-list@safe', 'redis://h has redis-list@safe beside it', 'redis-list:6379'],
] as const)('--on %s is refused: a URL stands alone', ([list, text, hint]) => {
  const refused = expect.objectContaining({
    ...{ code: 'INVALID_ARGUMENT', hint: expect.stringContaining(hint) },
    message: `--on: a URL stands in no list, and ${text}`,
  })
  expect(() => onWords(list, names)).toThrow(refused)
  expect(() => onWords(list, names)).not.toThrow('cret')
})
