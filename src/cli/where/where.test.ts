import { describe, expect, it } from 'vitest'
import { compileWhere } from './where.ts'

const facts = {
  id: 'a-1',
  key: 'berlin',
  data: {
    n: 12,
    hero: 'Granite',
    tags: ['x', 'y'],
    deep: { list: [{ v: 3 }] },
    'odd name': 1,
    no: null,
  },
  headers: { trace: 'ab12' },
}
const names = Object.keys(facts)
const fits = (text: string) => compileWhere(text, names)(facts)

describe('where', () => {
  it.for([
    ['data.n == 12', true],
    ['data.n == "12"', false],
    ['data.n != 12', false],
    ['data.n > 11 && data.n <= 12', true],
    ['data.n < 12 || key == "berlin"', true],
    ['!(data.n < 12)', true],
    ['!data.missing', true],
    ['data.missing == null', true],
    ['data.no == null', true],
    ["data.hero == 'Granite'", true],
    ['data.hero < "H"', true],
    ['data.hero < 5', false],
    ['key in ["berlin", "rome"]', true],
    ['key in []', false],
    ['data.tags contains "y"', true],
    ['data.hero contains "ran"', true],
    ['data.deep.list[0].v >= 3', true],
    ['data["odd name"] == 1', true],
    ['headers.trace == "ab12"', true],
    ['data.n == -12 || data.n == 1.2e1', true],
    ['data.n > 1 && data.n > 2 || false', true],
    ['data', true],
    ['data.hero == "Gr\\u0061nite"', true],
  ] as const)('%s is %s', ([text, expected]) => expect(fits(text)).toBe(expected))

  it.for([
    ['data.n =', '"="'],
    ['data.n == ', 'lacks a value'],
    ['dta.n == 1', 'unknown name dta'],
    ['(data.n == 1', 'lacks ")"'],
    ['data.n == 1 2', 'goes on'],
    ['data.', 'lacks a name'],
    ['data[key]', 'lacks a number'],
    ['data.n == berlin', 'unknown name berlin'],
    ['x'.repeat(5_000), 'longer'],
    ['', 'lacks a value'],
    ['process.exit(1)', 'unknown name process'],
    ['data.n ? 1', '"?"'],
    ['('.repeat(3_000), 'nested deeper'],
    ['!'.repeat(3_000), 'nested deeper'],
  ])('%s is refused: %s', ([text, wrong]) => {
    expect(() => fits(text as string)).toThrow(wrong as string)
  })

  it('reaches nothing but what messages hold', () => {
    expect(fits('data.constructor == null')).toBe(true)
    expect(fits('data["__proto__"] == null')).toBe(true)
    expect(fits('data.hero.length == null')).toBe(true)
  })

  it('suggests the name that was meant', () => {
    expect(() => fits('heders.trace == "x"')).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('Did you mean headers?') }),
    )
  })
})
