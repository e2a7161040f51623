import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { createClient } from '@redis/client'
import { expect, onTestFinished, test } from 'vitest'
import { connect } from '../../src/connect.ts'
import { redis } from '../../src/drivers/redis/index.ts'
import { askRedis } from '../../src/lab/brokers/askRedis.ts'
import { selfSigned } from '../../src/lab/brokers/certificate.ts'
import { startRedis } from '../../src/lab/brokers/redis.ts'
import { cliWorld } from '../e2e/cliRun.ts'
import { testRedis } from './redisHere.ts'

const quiet = { telemetry: false } as const

async function refusal(url: string): Promise<unknown> {
  try {
    await using _bus = await connect(url, quiet)
  } catch (error) {
    const { message, hint } = error as { message: string; hint: string | null }
    expect(`${message} ${hint}`).not.toContain('secret')
    return error
  }
  throw new Error(`${url} was opened`)
}

/** Whatever accepts connections; ended with the test. */
async function listening(server: Server): Promise<number> {
  onTestFinished(() => void server.close())
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done))
  return (server.address() as AddressInfo).port
}

async function files(all: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'narrowcast-pem-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  for (const [name, text] of Object.entries(all)) await writeFile(join(folder, name), text)
  return folder
}

test('nothing listens', async () => {
  expect(await refusal('redis://me:secret@localhost:1')).toMatchObject({
    code: 'CONNECT_FAILED',
    definite: true,
    message: expect.stringContaining('cannot reach localhost:1'),
    hint: 'Is Redis running? Nothing listens on port 1 of localhost.',
  })
})

test('no such host', async () => {
  expect(await refusal('redis://:secret@no-such-host.invalid')).toMatchObject({
    code: 'CONNECT_FAILED',
    message: expect.stringContaining('there is no host no-such-host.invalid'),
  })
})

test('a web server', async () => {
  const port = await listening(createHttpServer((_request, response) => response.end('hello')))
  expect(await refusal(`redis://:secret@127.0.0.1:${port}`)).toMatchObject({
    code: 'CONNECT_FAILED',
    message: expect.stringContaining('does not speak the protocol of Redis'),
    hint: expect.stringContaining(`Does another program listen on port ${port}`),
  })
})

test('who accepts and says nothing is waited for as long as the URL says', async () => {
  const port = await listening(createServer(() => {}))
  expect(await refusal(`redis://:secret@127.0.0.1:${port}?timeout=5s`)).toMatchObject({
    code: 'TIMEOUT',
    message: expect.stringMatching(/did not answer in 5000 ms: .*took the connection and said/),
  })
})

test('who accepts and closes', async () => {
  const port = await listening(createServer((socket) => void socket.destroy()))
  expect(await refusal(`redis://:secret@127.0.0.1:${port}`)).toMatchObject({
    code: 'CONNECT_FAILED',
  })
})

test('an abort ends the wait at once', async () => {
  const port = await listening(createServer(() => {}))
  const signal = AbortSignal.timeout(50)
  await expect(connect(`redis://127.0.0.1:${port}`, { ...quiet, signal })).rejects.toMatchObject({
    code: 'ABORTED',
  })
})

testRedis('logins', async () => {
  await using server = await startRedis({ args: ['--requirepass', 'secret'] })
  const at = `127.0.0.1:${server.port}`
  expect(await refusal(`redis://${at}`)).toMatchObject({
    code: 'LOGIN_REFUSED',
    hint: 'The server wants a password: redis://:PASSWORD@HOST.',
  })
  expect(await refusal(`redis://:secretX@${at}`)).toMatchObject({ code: 'LOGIN_REFUSED' })
  expect(await refusal(`redis://nobody:secret@${at}`)).toMatchObject({ code: 'LOGIN_REFUSED' })
  await using bus = await connect(`redis://:secret@${at}`, quiet)
  expect(bus.info.product).toBe('redis')
  await using other = await connect(redis({ url: `redis://${at}`, password: 'secret' }), quiet)
  expect(other.info.version).toBe(bus.info.version)
})

testRedis('protected mode', async () => {
  await using server = await startRedis()
  const denied = '-DENIED Redis is running in protected mode because protected mode is enabled.\r\n'
  const port = await listening(createServer((socket) => void socket.end(denied)))
  expect(await refusal(`redis://127.0.0.1:${port}`)).toMatchObject({
    code: 'LOGIN_REFUSED',
    hint: expect.stringContaining('protected mode'),
  })
  expect(await askRedis(server.url, 'PING')).toBe('PONG')
})

testRedis('a database that is not there', async () => {
  await using server = await startRedis()
  expect(await refusal(`${server.url}/99`)).toMatchObject({
    code: 'INVALID_CONFIG',
    message: expect.stringContaining('DB index is out of range'),
  })
  await using bus = await connect(`${server.url}/15`, quiet)
  await bus.queue<number>('orders').publish(1)
  expect(await askRedis(`${server.url}/15`, 'LLEN', 'orders')).toBe(1)
  expect(await askRedis(server.url, 'DBSIZE')).toBe(0)
})

testRedis('no place for one more client', async () => {
  await using server = await startRedis({ args: ['--maxclients', '1'] })
  const client = createClient({ url: server.url })
  client.on('error', () => {}) // it ends with its server
  await client.connect()
  onTestFinished(() => client.destroy())
  expect(await refusal(server.url)).toMatchObject({
    code: 'UNAVAILABLE',
    hint: expect.stringContaining('maxclients'),
  })
})

testRedis('a server that does not know what is needed is too old', async () => {
  await using server = await startRedis({ args: ['--rename-command', 'EVALSHA', ''] })
  expect(await refusal(server.url)).toMatchObject({
    code: 'UNSUPPORTED',
    hint: 'Redis 7.0 and newer will do, and Valkey 8 and newer.',
  })
})

testRedis('a server without HELLO is too old', async () => {
  await using server = await startRedis({ args: ['--rename-command', 'HELLO', ''] })
  expect(await refusal(server.url)).toMatchObject({
    code: 'UNSUPPORTED',
    hint: 'Redis 7.0 and newer will do, and Valkey 8 and newer.',
  })
})

testRedis('a user without the rights', async () => {
  await using server = await startRedis()
  await askRedis(server.url, 'ACL', 'SETUSER', 'me', 'on', '>secret', '~*', '&*', '+@all', '-eval')
  expect(await refusal(`redis://me:secret@127.0.0.1:${server.port}`)).toMatchObject({
    code: 'LOGIN_REFUSED',
    message: expect.stringContaining("no permissions to run the 'eval' command"),
    hint: expect.stringContaining('docs/drivers/redis.md'),
  })
})

testRedis('a replica', async () => {
  await using primary = await startRedis()
  const following = ['--replicaof', '127.0.0.1', String(primary.port)]
  await using replica = await startRedis({ args: following })
  expect(await refusal(replica.url)).toMatchObject({
    code: 'UNAVAILABLE',
    message: expect.stringContaining('is a replica of'),
    hint: expect.stringContaining(`127.0.0.1:${primary.port}`),
  })
})

testRedis('TLS: whom to trust, who we are, and which side speaks it', async () => {
  const [server, client] = [selfSigned('server'), selfSigned('client')]
  const folder = await files({
    'ca.pem': server.certificate,
    'client.pem': client.certificate,
    'client.key': client.key,
  })
  await using open = await startRedis({ tls: { server } })
  await using mutual = await startRedis({ tls: { server, client } })
  await using plain = await startRedis()
  const own = `cert=${folder}/client.pem&key=${folder}/client.key`
  for (const url of [
    `${open.url}?ca=${folder}/ca.pem`,
    `${mutual.url}?ca=${folder}/ca.pem&${own}`,
  ]) {
    await using bus = await connect(url, quiet)
    await bus.queue<number>('orders').publish(1)
  }
  expect(await refusal(open.url)).toMatchObject({
    code: 'CONNECT_FAILED',
    hint: expect.stringContaining('?ca=FILE'),
  })
  expect(await refusal(`${mutual.url}?ca=${folder}/ca.pem`)).toMatchObject({
    code: 'CONNECT_FAILED',
    hint: expect.stringContaining('cert=FILE&key=FILE'),
  })
  expect(await refusal(`redis://127.0.0.1:${open.port}`)).toMatchObject({
    code: 'CONNECT_FAILED',
    hint: expect.stringContaining('rediss://'),
  })
  expect(await refusal(`rediss://127.0.0.1:${plain.port}?timeout=500ms`)).toMatchObject({
    code: 'TIMEOUT',
    hint: expect.stringContaining('Without TLS the URL begins with redis://'),
  })
  expect(await refusal(`${open.url}?ca=${folder}/none.pem`)).toMatchObject({
    code: 'INVALID_CONFIG',
    message: expect.stringContaining('cannot read'),
  })
})

testRedis('TLS: a port without it is told of before the patience of anybody ends', async () => {
  await using plain = await startRedis({ args: ['--requirepass', 'secret'] })
  const refused = {
    code: 'CONNECT_FAILED',
    message: expect.stringContaining(`127.0.0.1:${plain.port}: what answers does not speak TLS`),
    hint: 'Without TLS the URL begins with redis://.',
  }
  expect(await refusal(`rediss://:secret@127.0.0.1:${plain.port}`)).toMatchObject(refused)
  using world = cliWorld()
  const { code, stderr } = await world.run(['stats', '-u', `rediss://127.0.0.1:${plain.port}`])
  expect([code, stderr]).toEqual([3, expect.stringContaining('does not speak TLS')])
})

test('the command line says what there is to say of who does not answer, and one URL', async () => {
  const port = await listening(createServer(() => {}))
  const url = `redis://127.0.0.1:${port}`
  using world = cliWorld()
  const stats = await world.run(['stats', '-u', url, '--timeout', '5s'])
  expect(stats.code).toBe(7)
  expect(stats.stderr.trim().split('\n')).toEqual([
    `error: ${url} did not answer in 5000 ms`,
    `  Does another program listen on port ${port} of 127.0.0.1? If it is a Redis with TLS: rediss://.`,
    `  Details: narrowcast doctor -u ${url}`,
    '  More time: --timeout 30s',
  ])
  const doctor = await world.run(['doctor', url, '--timeout', '5s'])
  expect(doctor.stdout).toContain(`-> Does another program listen on port ${port}`)
  expect(doctor.stdout).not.toContain('narrowcast doctor')
})

test('without the package of the client the command that installs it is named', async () => {
  const code = `
    import { registerHooks } from 'node:module'
    registerHooks({
      resolve(name, context, next) {
        if (name === '@redis/client') throw new Error('not here')
        return next(name, context)
      },
    })
    const { connect } = await import(process.argv[1])
    await connect('redis://localhost').catch(({ code, hint }) => console.log(code, hint))`
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...['--input-type=module', '-e', code],
    resolve(import.meta.dirname, '../../src/connect.ts'),
  ])
  expect(stdout).toBe('CLIENT_MISSING Install it: npm install @redis/client\n')
})
