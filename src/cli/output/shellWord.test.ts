import { expect, it } from 'vitest'
import { shellWord } from './shellWord.ts'

it.for([
  ['order-42', 'order-42'],
  ['#3', "'#3'"],
  ['a b', "'a b'"],
  ["it's", "'it'\\''s'"],
  ['', "''"],
])('%j is written as %s', ([text, word]) => expect(shellWord(text as string)).toBe(word))
