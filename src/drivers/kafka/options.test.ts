import { expect, test } from 'vitest'
import { parseBrokerUrl } from '../../core/url.ts'
import { targetOf, targetOfOptions } from './options.ts'

const target = (url: string) => targetOf(parseBrokerUrl(url))

test('a URL that says nothing is localhost, without login and without TLS', () => {
  expect(target('kafka://')).toEqual({
    addresses: [{ host: 'localhost', port: 9_092 }],
    ...{ login: null, tls: null, sessionMs: 10_000, partitions: null, replicas: null },
    isBehind: false,
  })
})

test.each([
  ['kafkas://h', { addresses: [{ host: 'h', port: 9_093 }], tls: { ca: null } }],
  [
    'kafka://[::1]:7,h',
    {
      addresses: [
        { host: '::1', port: 7 },
        { host: 'h', port: 9_092 },
      ],
    },
  ],
  ['kafka://me:p%40s@h', { login: { mechanism: 'PLAIN', username: 'me', password: 'p@s' } }],
  ['kafka://me@h?sasl=scram-512', { login: { mechanism: 'SCRAM-SHA-512', password: '' } }],
  ['kafka://h?session=6s', { sessionMs: 6_000 }],
  ['kafka://h?partitions=12&replicas=3', { partitions: 12, replicas: 3 }],
  ['kafka://h?advertised=ignore', { isBehind: true }],
])('%s', (url, expected) => {
  expect(target(url)).toMatchObject(expected)
})

test.each([
  ['kafka://h?partition=1', 'option partition is not known; did you mean partitions?'],
  ['kafka://h?partitions=0', 'partitions is 0; expected 1 to 1000'],
  ['kafka://h?partitions=1.5', 'partitions is 1.5'],
  ['kafka://h?replicas=x', 'replicas is x; expected 1 to 100'],
  ['kafka://h?session=500ms', 'session is 500ms; expected 1s to 30min'],
  ['kafka://me@h?sasl=md5', 'sasl is md5; expected one of plain, scram-256, scram-512'],
  ['kafka://h?sasl=plain', 'a login needs a user'],
  ['kafka://h?advertised=yes', 'advertised is yes; expected ignore'],
  ['kafka://a,b?advertised=ignore', 'one address cannot stand for several nodes'],
  ['kafka://h/path', 'the URL has a path, /path'],
  ['kafka://h:99999', '"h:99999" is not host:port'],
  ['kafka://h?ca=/x', 'option ca is for TLS'],
])('%s is refused: %s', (url, text) => {
  expect(() => target(url)).toThrow(text)
})

test('a password need not be in the URL, and is shown nowhere', () => {
  const options = { url: 'kafka://me@h', password: 's3cret' }
  expect(targetOfOptions(options).login?.password).toBe('s3cret')
  expect(() => targetOfOptions({ url: 'kafka://me:s3cret@h?x=1' })).toThrow(/^((?!s3cret).)*$/s)
  expect(() => targetOfOptions({ url: 'kafka://h', password: 's3cret' })).toThrow('needs a user')
  expect(() => targetOfOptions({ url: 'redis://h' })).toThrow('no URL')
  expect(() => targetOfOptions({ url: 'kafka://h', password: 7 as never })).toThrow('a number')
})
