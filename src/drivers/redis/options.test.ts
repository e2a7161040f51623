import { expect, test } from 'vitest'
import { parseBrokerUrl } from '../../core/url.ts'
import { type RedisOptions, targetOf, targetOfOptions } from './options.ts'

const target = (url: string) => targetOf(parseBrokerUrl(url))

test('a URL that says nothing is localhost, database 0, queues on lists, without TLS', () => {
  expect(target('redis://')).toEqual({
    addresses: [{ host: 'localhost', port: 6_379 }],
    username: undefined,
    password: undefined,
    database: 0,
    tls: null,
    sentinel: null,
    isCluster: false,
    queues: 'list',
  })
})

test.each([
  ['redis://h', { addresses: [{ host: 'h', port: 6_379 }] }],
  ['redis://[::1]:7000/3', { addresses: [{ host: '::1', port: 7_000 }], database: 3 }],
  ['redis://:p%40ss@h', { username: undefined, password: 'p@ss' }],
  ['redis://me:p@h', { username: 'me', password: 'p' }],
  ['rediss://h', { tls: { ca: null, cert: null, key: null } }],
  ['rediss://h?ca=/a&cert=/b&key=/c', { tls: { ca: '/a', cert: '/b', key: '/c' } }],
  ['redis://h?queue=stream', { queues: 'stream' }],
  [
    'redis://h:1,g:2',
    {
      addresses: [
        { host: 'h', port: 1 },
        { host: 'g', port: 2 },
      ],
    },
  ],
  ['redis://h:1,g?cluster=true', { isCluster: true }],
  [
    'redis://h,g/2?sentinel=main',
    {
      addresses: [
        { host: 'h', port: 26_379 },
        { host: 'g', port: 26_379 },
      ],
      sentinel: 'main',
      database: 2,
    },
  ],
])('%s', (url, expected) => {
  expect(target(url)).toMatchObject(expected)
})

test.each([
  ['redis://h?quue=list', 'did you mean queue'],
  ['redis://h?queue=table', 'expected list or stream'],
  ['redis://h:0', 'is not host:port'],
  ['redis://h:70000', 'is not host:port'],
  ['redis://h/x', 'not one of a server'],
  ['redis://:a%zz@h', 'two hex digits'],
  ['redis://h?cluster=yes', 'expected true or false'],
  ['redis://h?cluster=true&sentinel=main', 'a cluster has no Sentinels'],
  ['redis://h/1?cluster=true', 'no database 1'],
  ['redis://h?sentinel=', 'expected the name of the primary'],
  ['redis://h?ca=/a', 'is for TLS'],
  ['rediss://h?cert=/a', 'belong together'],
  ['redis://me@h', 'user me has no password'],
  ['redis://me:@h', 'user me has no password'],
])('%s is refused', (url, text) => {
  expect(() => target(url)).toThrow(
    expect.objectContaining({
      code: 'INVALID_CONFIG',
      message: expect.stringContaining(text),
    }),
  )
})

test.each([
  ['redis://me:p@ss@h', 'more than one @', '%40'],
  ['redis://me:p/ss@h:6379', 'a / before its @', '%2F'],
  ['redis://me:p?ss@h', 'a ? before its @', '%3F'],
  ['redis://me:p#ss@h', 'has a #', '%23'],
  [
    'redis://h?atempts=3',
    'did you mean attempts',
    'takes queue, cluster, sentinel, ca, cert, key, lease',
  ],
  ['redis://h?foo=1', 'option foo is not known', 'timeout'],
  ['redis://h?queue=lst', 'expected list or stream', 'Did you mean queue=list?'],
  ['redis://h?queue=table', 'expected list or stream', 'For example queue=list.'],
  ['redis://h?cluster=tru', 'expected true or false', 'Did you mean cluster=true?'],
])('%s: what to do about it', (url, text, hint) => {
  expect(() => target(url)).toThrow(
    expect.objectContaining({
      code: 'INVALID_CONFIG',
      message: expect.stringContaining(text),
      hint: expect.stringContaining(hint),
    }),
  )
})

test('no refusal shows the password', () => {
  for (const url of [
    'redis://me:secret@h:0',
    'redis://me:secret@h/x',
    'redis://me:secret@h?a=1',
    'redis://me:sec@secret@h',
    'redis://me:p/secret@h',
    'redis://me:p?secret@h',
    'redis://me:p#secret@h',
  ]) {
    expect(() => target(url)).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('secret') }),
    )
  }
})

test('options of a driver made by hand', () => {
  const made = targetOfOptions({ url: 'redis://me@h', password: 'p', queue: 'stream' })
  expect(made).toMatchObject({ username: 'me', password: 'p', queues: 'stream' })
  for (const [wrong, text] of [
    [{}, 'no URL'],
    [{ url: 'file:./store' }, 'no URL'],
    [{ url: 'redis://h', queue: 'table' }, 'expected list or stream'],
    [{ url: 'redis://h', password: 1 }, 'expected a string'],
    [{ url: 'redis://me@h' }, 'user me has no password'],
  ] as const) {
    expect(() => targetOfOptions(wrong as unknown as RedisOptions)).toThrow(
      expect.objectContaining({
        code: 'INVALID_CONFIG',
        message: expect.stringContaining(text),
      }),
    )
  }
})
