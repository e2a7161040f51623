import { describe, expect, it } from 'vitest'
import { redactText } from './errors.ts'
import { checkFormat, wantsJson } from './format.ts'

describe('wantsJson', () => {
  it.for([
    [['publish', 'x', '--json'], {}, true],
    [['publish', 'x', '--', '--json'], {}, false],
    [['ls', '-o', 'json'], {}, true],
    [['ls', '-ojson'], {}, true],
    [['ls', '--output=ndjson'], {}, true],
    [['ls', '--output', 'csv'], { NARROWCAST_OUTPUT: 'json' }, false],
    [['ls'], { NARROWCAST_OUTPUT: 'json' }, true],
    [['ls'], {}, false],
  ] as const)('%j with %j: %s', ([words, env, expected]) => {
    expect(wantsJson(words, env)).toBe(expected)
  })

  it('refuses other words', () => {
    expect(checkFormat('--output', 'md')).toBe('md')
    expect(() => checkFormat('--output', 'xml')).toThrow('expected text, wide, json')
  })
})

describe('redactText', () => {
  it('hides the password of every URL in a text', () => {
    expect(redactText('from redis://:hunter2@a:1 to amqp://me:p@ss@b/v, no amqp://c')).toBe(
      'from redis://:***@a:1 to amqp://me:***@b/v, no amqp://c',
    )
    expect(redactText('amqp:?management=http%3A%2F%2Fme%3Ap%40h amqp://c?x=http://:p@d')).toBe(
      'amqp:?management=http%3A%2F%2Fme%3A***%40h amqp://c?x=http://:***@d',
    )
  })
})
