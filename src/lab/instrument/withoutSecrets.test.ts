import { expect, test } from 'vitest'
import { configSha256, withoutSecrets } from './withoutSecrets.ts'

test.for([
  ['requirepass', 'hush', '***'],
  ['masterauth', 'hush', '***'],
  ['masteruser', 'someone', '***'],
  ['tls-key-file-pass', 'hush', '***'],
  ['search-oss-acl-username', 'someone', '***'],
  ['user', 'default on >hush', '***'],
  ['dir', '/var/lib/redis', '(local)'],
  ['port', '6379', '(local)'],
  ['cluster-announce-bus-port', '16379', '(local)'],
  ['bind', '127.0.0.1', '(local)'],
  ['bind-source-addr', '10.0.0.1', '(local)'],
  ['replicaof', '10.0.0.1 6379', '(local)'],
  ['cluster-announce-hostname', 'node', '(local)'],
  ['tls-cert-file', 'server.crt', '(local)'],
  ['logfile', 'redis.log', '(local)'],
  ['unixsocket', 'redis.sock', '(local)'],
  ['anything', '/etc/passwd', '(local)'],
] as const)('%s %s is shown as %s', ([name, value, shown]) => {
  expect(withoutSecrets({ [name]: value })).toEqual({ [name]: shown })
})

test.for([
  ['requirepass', ''],
  ['logfile', ''],
  ['tls-port', '0'],
  ['tls-auth-clients', 'yes'],
  ['appendfsync', 'everysec'],
  ['appendfilename', 'appendonly.aof'],
  ['unixsocketperm', '700'],
  ['save', '3600 1 300 100 60 10000'],
  ['synchronous', '1'],
] as const)('%s %j is shown as it is', ([name, value]) => {
  expect(withoutSecrets({ [name]: value })).toEqual({ [name]: value })
})

test('equal settings have one hash, in whatever order they come and wherever they are in force', () => {
  const hash = (config: Record<string, string>) => configSha256(withoutSecrets(config))
  const here = hash({ save: '', appendonly: 'yes', dir: '/a', port: '1' })
  expect(hash({ port: '2', dir: '/b', appendonly: 'yes', save: '' })).toBe(here)
  expect(hash({ port: '1', dir: '/a', appendonly: 'no', save: '' })).not.toBe(here)
  expect(here).toMatch(/^[0-9a-f]{64}$/)
})
