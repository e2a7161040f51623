import { describe, expect, it } from 'vitest'
import { cut, displayWidth, harmless, padEnd, padStart } from './displayWidth.ts'

const red = (text: string) => `\u001b[31m${text}\u001b[39m`

describe('displayWidth', () => {
  it.for([
    ['plain', 5],
    ['', 0],
    ['Ümlaut', 6],
    ['e\u0301', 1],
    ['日本', 4],
    ['🦸 hero', 7],
    ['👩‍🚒', 2],
    [red('red'), 3],
  ] as const)('%s takes %i columns', ([text, width]) => expect(displayWidth(text)).toBe(width))
})

describe('cut', () => {
  it.for([
    ['short', 10, 'short'],
    ['exactly', 7, 'exactly'],
    ['too long for it', 8, 'too lon…'],
    ['日本語', 5, '日本…'],
    ['日本語', 4, '日…'],
    ['x', 0, ''],
  ] as const)('%s to %i columns', ([text, columns, expected]) => {
    expect(cut(text, columns, '…')).toBe(expected)
    expect(displayWidth(cut(text, columns, '…'))).toBeLessThanOrEqual(columns)
  })

  it('ends a colour that it cuts into', () => {
    expect(cut(red('crimson tide'), 6, '…')).toBe('\u001b[31mcrims…\u001b[0m')
  })
})

describe('harmless', () => {
  it('shows what could steer a terminal', () => {
    expect(harmless('a\u001b[31mb\u0007\u009bc\u202ed')).toBe(
      'a\\u001b[31mb\\u0007\\u009bc\\u202ed',
    )
    expect(harmless('line\nfeed\ttab\rback')).toBe('line\\nfeed\\ttab\\rback')
    expect(harmless('Grüße, 日本 🦸')).toBe('Grüße, 日本 🦸')
  })
})

describe('pad', () => {
  it('counts columns, not characters', () => {
    expect(padEnd('日', 4)).toBe('日  ')
    expect(padStart('é', 3)).toBe('  é')
    expect(padEnd('long', 2)).toBe('long')
  })
})
