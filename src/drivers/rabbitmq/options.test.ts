import { expect, test } from 'vitest'
import { parseBrokerUrl } from '../../core/url.ts'
import { type RabbitmqOptions, targetOf, targetOfOptions } from './options.ts'

const target = (url: string) => targetOf(parseBrokerUrl(url))

test('a URL that says nothing is guest at localhost, in the vhost /, without TLS', () => {
  expect(target('amqp://')).toMatchObject({
    addresses: [{ host: 'localhost', port: 5_672 }],
    ...{ username: 'guest', password: 'guest', vhost: '/', tls: null, heartbeatS: 10 },
  })
})

test.each([
  ['amqp://h', { addresses: [{ host: 'h', port: 5_672 }] }],
  ['amqps://h', { addresses: [{ host: 'h', port: 5_671 }], tls: { ca: null, cert: null } }],
  ['AMQP://h', { addresses: [{ host: 'h', port: 5_672 }], tls: null }],
  ['amqp://[::1]:7000', { addresses: [{ host: '::1', port: 7_000 }] }],
  ['amqp://me:p%40s%2Fs@h', { username: 'me', password: 'p@s/s' }],
  ['amqp://me@h', { username: 'me', password: '' }],
  ['amqp://h/', { vhost: '/' }],
  ['amqp://h/shop', { vhost: 'shop' }],
  ['amqp://h/%2F', { vhost: '/' }],
  ['amqp://h/a%2Fb%20%25', { vhost: 'a/b %' }],
  ['amqp://h/%C3%BCn%C3%AF', { vhost: 'ünï' }],
  ['amqps://h?ca=/a&cert=/b&key=/c', { tls: { ca: '/a', cert: '/b', key: '/c' } }],
  ['amqp://h?heartbeat=1s', { heartbeatS: 1 }],
  ['amqp://h?heartbeat=10min', { heartbeatS: 600 }],
  [
    'amqp://h:1,[::1],g/v',
    {
      addresses: [
        { host: 'h', port: 1 },
        { host: '::1', port: 5_672 },
        { host: 'g', port: 5_672 },
      ],
      vhost: 'v',
    },
  ],
])('%s', (url, expected) => {
  expect(target(url)).toMatchObject(expected)
})

test.each([
  [
    'amqp://h?hartbeat=1s',
    'option hartbeat is not known; did you mean heartbeat?',
    'takes heartbeat',
  ],
  ['amqp://h?foo=1', 'option foo is not known', 'An amqp: URL takes'],
  ['amqp://h?heartbeat=0s', 'heartbeat is 0s; expected 1s to 600s, whole seconds', null],
  ['amqp://h?heartbeat=1500ms', 'heartbeat is 1500ms; expected 1s to 600s', null],
  ['amqp://h?heartbeat=601s', 'heartbeat is 601s; expected 1s to 600s', null],
  ['amqp://h?heartbeat=soon', 'URL option heartbeat: "soon" is not a number with a unit', null],
  ['amqp://h:0', '"h:0" is not host:port', 'for example amqp://localhost'],
  ['amqp://h:65536', '"h:65536" is not host:port', 'for example amqp://localhost'],
  ['amqp://h:1,,g', '"" is not host:port', 'for example amqp://localhost'],
  ['amqp://[::1', 'is not host:port', 'for example amqp://localhost'],
  ['amqp://h/a/b', 'not one of a server', '%2F'],
  ['amqp://h/%zz', 'the vhost of the URL has a % that is not followed by two hex digits', '%25'],
  ['amqp://me:a%zz@h', 'user or password of the URL has a %', '%25'],
  ['amqp://h?ca=/a', 'URL option ca is for TLS', 'With TLS the URL is amqps://.'],
  ['amqps://h?cert=/a', 'cert and key belong together', null],
  ['amqps://h?key=/a', 'cert and key belong together', null],
  ['amqp://me:p@ss@h', 'more than one @', '%40'],
  ['amqp://me:p/ss@h:5672', 'a / before its @', '%2F'],
  ['amqp://me:p?ss@h', 'a ? before its @', '%3F'],
  ['amqp://me:p#ss@h', 'has a #', '%23'],
  ['amqp:h', 'not one of a server', 'for example amqp://localhost'],
])('%s is refused', (url, text, hint) => {
  expect(() => target(url)).toThrow(
    expect.objectContaining({
      code: 'INVALID_CONFIG',
      message: expect.stringContaining(text),
      hint: hint === null ? null : expect.stringContaining(hint),
    }),
  )
})

test('no refusal shows the password', () => {
  for (const url of [
    'amqp://me:secret@h:0',
    'amqp://me:secret@h/a/b',
    'amqp://me:secret@h?a=1',
    'amqp://me:secret@h?heartbeat=0s',
    'amqp://me:sec@secret@h',
    'amqp://me:p/secret@h',
    'amqp://me:p?secret@h',
    'amqp://me:p?a=secret@h',
    'amqp://me:p#secret@h',
    'amqp://me:secret%zz@h',
    'amqp://me:secret,@h:1:2',
  ]) {
    let shown = ''
    try {
      target(url)
    } catch (error) {
      const { message, hint } = error as { message: string; hint: string | null }
      shown = `${message} ${hint}`
    }
    expect(shown).not.toBe('')
    expect(shown).not.toContain('secret')
  }
})

test('options of a driver made by hand', () => {
  const made = targetOfOptions({ url: 'amqp://me@h/shop', password: 'p/@' })
  expect(made).toMatchObject({ username: 'me', password: 'p/@', vhost: 'shop' })
  for (const [wrong, text] of [
    [{}, 'no URL'],
    [{ url: 'redis://h' }, 'no URL'],
    [{ url: 'amqp://h', password: 1 }, 'password is a number; expected a string'],
  ] as const) {
    expect(() => targetOfOptions(wrong as unknown as RabbitmqOptions)).toThrow(
      expect.objectContaining({ code: 'INVALID_CONFIG', message: expect.stringContaining(text) }),
    )
  }
})
