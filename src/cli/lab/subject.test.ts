import { expect, test } from 'vitest'
import { type Backend, givenSubject, isUrl, namedSubject } from './subject.ts'

const kept = ['queue', 'stream'] as const
const backends: readonly Backend[] = [
  {
    ...{ name: 'file', patterns: ['broadcast', 'narrowcast', ...kept] },
    ...{ profiles: ['default', 'safe', 'direct'], defaultPattern: 'queue' },
  },
  {
    ...{ name: 'redis-pubsub', patterns: ['broadcast', 'narrowcast'] },
    ...{ profiles: ['default', 'direct'], defaultPattern: 'broadcast' },
  },
  {
    ...{ name: 'redis-list', patterns: ['queue'], profiles: ['default', 'safe'] },
    defaultPattern: 'queue',
  },
  {
    ...{ name: 'redis-stream', patterns: kept, profiles: ['default', 'safe'] },
    defaultPattern: 'queue',
  },
  { name: 'rabbitmq', patterns: kept, profiles: ['default'], defaultPattern: 'queue' },
]
const subject = { profile: 'default', url: null }

test.for([
  ['file', null, { backend: 'file', pattern: 'queue' }],
  ['file:narrowcast@direct', null, { backend: 'file', pattern: 'narrowcast', profile: 'direct' }],
  ['redis-list@safe', null, { backend: 'redis-list', pattern: 'queue', profile: 'safe' }],
  ['redis', null, { backend: 'redis-list', pattern: 'queue' }],
  ['redis', 'stream', { backend: 'redis-stream', pattern: 'stream' }],
  ['redis:narrowcast', null, { backend: 'redis-pubsub', pattern: 'narrowcast' }],
  ['redis-pubsub', null, { backend: 'redis-pubsub', pattern: 'broadcast' }],
  ['redis-stream', 'queue', { backend: 'redis-stream', pattern: 'queue' }],
] as const)('--on %s with --pattern %s', ([word, pattern, expected]) => {
  expect(namedSubject(word, pattern, backends)).toEqual({ ...subject, ...expected })
})

test.for([
  ['redis-lists', null, 'INVALID_ARGUMENT', 'no backend "redis-lists"', 'Did you mean redis-list?'],
  ['', null, 'INVALID_ARGUMENT', 'no backend ""', 'Expected one of file,'],
  ['kafka', null, 'INVALID_ARGUMENT', 'no backend "kafka"', ''],
  ['file:queu', null, 'INVALID_ARGUMENT', 'no pattern "queu"', 'Did you mean queue?'],
  ['file@saef', null, 'INVALID_ARGUMENT', 'file has no profile "saef"', 'Did you mean safe?'],
  ['file:queue', 'stream', 'INVALID_ARGUMENT', 'name two patterns', null],
  ['redis-list:stream', null, 'UNSUPPORTED', 'redis-list has no stream', 'It has queue.'],
] as const)('--on %s with --pattern %s is refused', ([word, pattern, code, message, hint]) => {
  const found = expect.objectContaining({
    ...{ code, message: expect.stringContaining(message) },
    hint: hint === null ? null : expect.stringContaining(hint),
  })
  expect(() => namedSubject(word, pattern, backends)).toThrow(found)
})

test.for([
  ['redis://localhost', null, { backend: 'redis-list', pattern: 'queue' }],
  ['rediss://localhost?queue=stream', null, { backend: 'redis-stream', pattern: 'queue' }],
  ['redis://localhost?queue=stream', 'broadcast', { backend: 'redis-pubsub' }],
  ['file:./store', 'stream', { backend: 'file', pattern: 'stream' }],
  ['amqp://localhost/shop', null, { backend: 'rabbitmq', pattern: 'queue' }],
  ['amqps://a.example,b.example', 'queue', { backend: 'rabbitmq' }],
] as const)('a broker at %s with --pattern %s', ([url, pattern, expected]) => {
  expect(givenSubject(url, pattern, backends)).toMatchObject({ ...expected, url })
})

test('a URL that the lab has no experiments for is refused without its password', () => {
  const refused = expect.objectContaining({
    ...{ code: 'UNSUPPORTED', message: expect.stringContaining('nats://me:***@host') },
  })
  expect(() => givenSubject('nats://me:secret@host', null, backends)).toThrow(refused)
})

test.for([
  ['redsi://me:secret@host', 'redsi://me:***@host: there is no redsi:', 'Did you mean redis:?'],
  ['redis://localhost:6379@safe', '@safe is a profile', 'brokers that the lab starts'],
  ['redis://me:secret@localhost/0@safe', '@safe is a profile', '@safe:6379'],
  ['file:./store@safe', '@safe is a profile', 'brokers that the lab starts'],
] as const)('the URL %s is taken for a slip', ([url, message, hint]) => {
  const refused = expect.objectContaining({
    ...{ code: 'INVALID_ARGUMENT', message: expect.stringContaining(message) },
    hint: expect.stringContaining(hint),
  })
  expect(() => givenSubject(url, null, backends)).toThrow(refused)
  expect(() => givenSubject(url, null, backends)).not.toThrow('secret')
})

test.for([
  ['redis-list://:secret@h', '--on redis-list://:***@h: redis-list is the name of a backend'],
  ['redis-stream://h', '--on redis-stream://h: redis-stream is the name of a backend'],
  ['red-is://me:secret@h', '--on red-is://me:***@h: it is no BACKEND[:PATTERN][@PROFILE]'],
  ['redis:secret@127.0.0.1', '--on redis:***@127.0.0.1: it is no BACKEND'],
  [':secret@h:1', '--on :***@h:1: it is no BACKEND'],
  ['file:a:b', '--on file:a:b: it is no BACKEND'],
] as const)('--on %s is told for what it is', ([word, message]) => {
  const refused = expect.objectContaining({
    ...{ code: 'INVALID_ARGUMENT', message: expect.stringContaining(message) },
    hint: expect.stringContaining('--on redis://HOST:PORT'),
  })
  expect(() => namedSubject(word, null, backends)).toThrow(refused)
  expect(() => namedSubject(word, null, backends)).not.toThrow('secret')
})

test('a host may be called as a profile is', () => {
  expect(givenSubject('redis://me:secret@safe:6379', null, backends)).toMatchObject({
    backend: 'redis-list',
  })
})

test.for([
  ['redis://h', true],
  ['file:./store', true],
  ['file:/store', true],
  ['memory:', true],
  ['file', false],
  ['file:stream', false],
  ['redis-list:queue@safe', false],
] as const)('%s is a URL: %s', ([word, expected]) => {
  expect(isUrl(word)).toBe(expected)
})
