import { describe, expect, it } from 'vitest'
import { isColoured, makeLook } from './style.ts'

const plain = { noColor: false, ascii: false, env: {}, isTerminal: true }

describe('colour', () => {
  it.for([
    ['a terminal', {}, true],
    ['no terminal', { isTerminal: false }, false],
    ['--no-color', { noColor: true }, false],
    ['NO_COLOR', { env: { NO_COLOR: '1' } }, false],
    ['an empty NO_COLOR', { env: { NO_COLOR: '' } }, true],
    ['TERM=dumb', { env: { TERM: 'dumb' } }, false],
    ['FORCE_COLOR without a terminal', { env: { FORCE_COLOR: '1' }, isTerminal: false }, true],
    ['FORCE_COLOR=0', { env: { FORCE_COLOR: '0' } }, false],
    ['NO_COLOR beside FORCE_COLOR', { env: { NO_COLOR: '1', FORCE_COLOR: '1' } }, false],
  ] as const)('%s', ([_name, change, expected]) => {
    expect(isColoured({ ...plain, ...change })).toBe(expected)
  })

  it('paints or leaves the text as it is', () => {
    expect(makeLook(plain).paint('red', 'x')).toBe('\u001b[31mx\u001b[39m')
    expect(makeLook({ ...plain, isTerminal: false }).paint('red', 'x')).toBe('x')
  })
})

describe('signs', () => {
  it('draws with Unicode, or with ASCII alone', () => {
    const look = makeLook(plain)
    expect([look.ok, look.bad, look.bar(0.5, 4), look.spark([0, 1, 2])]).toEqual([
      '✓',
      '✗',
      '██░░',
      '▁▅█',
    ])
    const ascii = makeLook({ ...plain, ascii: true })
    expect([ascii.ok, ascii.bad, ascii.warn, ascii.bar(2, 3), ascii.spark([0, 9])]).toEqual([
      'ok',
      'BAD',
      'warn',
      '###',
      '09',
    ])
    expect(ascii.spark([0, 0])).toBe('00')
  })
})
