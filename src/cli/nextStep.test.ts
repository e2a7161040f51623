import { describe, expect, it } from 'vitest'
import { NarrowcastError } from '../core/errors.ts'
import { withBackend, withNextStep } from './nextStep.ts'

const place = { command: 'messages ls', args: ['orders'], values: {} }

describe('withNextStep', () => {
  it('keeps the hint that an error has', () => {
    const error = new NarrowcastError('NOT_FOUND', 'x', { hint: 'Did you mean y?' })
    expect(withNextStep(error, place).hint).toBe('Did you mean y?')
  })

  it('names the help of the command for a wrong flag', () => {
    const error = new NarrowcastError('INVALID_CONFIG', '--limit: wrong', { cause: 7 })
    expect(withNextStep(error, place)).toMatchObject({
      ...{ code: 'INVALID_CONFIG', message: '--limit: wrong', cause: 7, stack: error.stack },
      hint: 'narrowcast messages ls --help says what it takes',
    })
  })

  it('repeats no backend beside the help of a command', () => {
    const error = new NarrowcastError('INVALID_CONFIG', 'file: needs a path')
    expect(
      withNextStep(error, { command: 'publish', args: ['q'], values: { url: 'file:' } }).hint,
    ).toBe('narrowcast publish --help says what it takes')
  })

  it('adds nothing to what says it all', () => {
    const error = new NarrowcastError('CONSENT_NEEDED', 'needs consent. Add --yes.')
    expect(withNextStep(error, place)).toBe(error)
  })
})

describe('withBackend', () => {
  it.for([
    [{}, 'narrowcast channels ls lists all', 'narrowcast channels ls lists all'],
    [
      { url: 'file:./a b' },
      'narrowcast channels ls lists all',
      "narrowcast channels ls -u 'file:./a b' lists all",
    ],
    [{ url: 'file:./a' }, 'narrowcast help errors', 'narrowcast help errors'],
    [
      { url: 'file:./a' },
      'One: narrowcast tail x\nOther: narrowcast dead ls x',
      'One: narrowcast tail -u file:./a x\nOther: narrowcast dead ls -u file:./a x',
    ],
    [{ urlFile: 'u.txt' }, 'narrowcast stats', 'narrowcast stats --url-file u.txt'],
    [{ url: 'redis://me:secret@host' }, 'narrowcast stats', 'narrowcast stats'],
  ] as const)('%j: %j', ([values, text, wanted]) => expect(withBackend(text, values)).toBe(wanted))
})
