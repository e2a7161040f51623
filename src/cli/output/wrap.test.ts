import { describe, expect, it } from 'vitest'
import { fold, wrap, wrapCommand } from './wrap.ts'

describe('wrap', () => {
  it.for([
    ['one two three', 7, ['one two', 'three']],
    ['one', 10, ['one']],
    ['', 10, ['']],
    ['ls|show|create|rm', 9, ['ls|show|', 'create|rm']],
    ['abcdefghij', 4, ['abcd', 'efgh', 'ij']],
    ['within 31.0 s and 64 MiB', 11, ['within', '31.0 s and', '64 MiB']],
    ['日本語 日本', 5, ['日本', '語', '日本']],
    ['日本語', 1, ['日', '本', '語']],
  ] as const)('%j in %i columns', ([text, width, lines]) =>
    expect(wrap(text, width)).toEqual(lines),
  )
})

describe('fold', () => {
  it.for([
    ['one  two', 8, ['one  two']],
    ['one  two  three', 10, ['one  two', '  three']],
    ['  a line that goes on', 12, ['  a line', '    that', '    goes on']],
    ['id  01a1fd51-6db2-7000', 10, ['id', '  01a1fd51-6db2-7000']],
  ] as const)('%j in %i columns', ([text, width, lines]) =>
    expect(fold(text, width)).toEqual(lines),
  )
})

describe('wrapCommand', () => {
  it('keeps quoted words whole, and can be pasted', () => {
    expect(wrapCommand(`narrowcast tail x --where 'a > 1 && b' --follow`, 24, '    ')).toEqual([
      'narrowcast tail x \\',
      '    --where \\',
      `    'a > 1 && b' \\`,
      '    --follow',
    ])
    expect(wrapCommand('narrowcast demo', 15, '    ')).toEqual(['narrowcast demo'])
  })
})
