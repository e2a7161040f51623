import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { escapeKey } from './names.ts'

describe('a key as a file name', () => {
  test.for([
    ['7d0c52e1-0000-7000-8000-f3a9b6040000', '7d0c52e1-0000-7000-8000-f3a9b6040000'],
    [42, '42'],
    ['a b/c', 'a%20b%2fc'],
    ['../../etc/passwd', '%2e.%2f..%2fetc%2fpasswd'],
    ['.hidden', '%2ehidden'],
    ['', '%'],
    ['50%', '50%25'],
    ['é', '%c3%a9'],
    ['con', '%63on'],
    ['NUL.txt', '%4eUL.txt'],
  ] as const)('%j is %s', ([key, name]) => {
    expect(escapeKey(key)).toBe(name)
  })

  test('is a plain name of at most 150 characters, and another one for another key', () => {
    const names = new Map<string, string>()
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), (key) => {
        const name = escapeKey(key)
        expect(name).toMatch(/^[A-Za-z0-9_+%~-][A-Za-z0-9._+%~-]*$/)
        expect(name.length).toBeLessThanOrEqual(150)
        expect(names.get(name) ?? key).toBe(key)
        names.set(name, key)
      }),
    )
  })

  test('of two long keys that begin alike is not the same', () => {
    const [one, two] = ['x', 'y'].map((end) => escapeKey('a'.repeat(200) + end))
    expect(one).not.toBe(two)
  })
})
