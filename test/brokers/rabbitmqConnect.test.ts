import { execFile } from 'node:child_process'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { connect } from '../../src/connect.ts'
import { rabbitmq } from '../../src/drivers/rabbitmq/index.ts'
import { startRabbitmq } from '../../src/lab/brokers/rabbitmq.ts'
import type { RabbitmqServer } from '../../src/lab/brokers/rabbitmqServer.ts'
import { cliWorld } from '../e2e/cliRun.ts'
import { withChannel } from './rabbitmqClient.ts'
import { describeRabbitmq } from './rabbitmqHere.ts'

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
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => void sockets.add(socket.on('error', () => {})))
  onTestFinished(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done))
  return (server.address() as AddressInfo).port
}

const says = (text: string) =>
  createServer((socket) => void socket.once('data', () => socket.end(text, 'latin1')))

test('nothing listens', async () => {
  expect(await refusal('amqp://me:secret@localhost:1')).toMatchObject({
    code: 'CONNECT_FAILED',
    definite: true,
    message: expect.stringContaining('cannot reach localhost:1'),
    hint: 'Is RabbitMQ running? Nothing listens on port 1 of localhost.',
  })
})

test('no such host', async () => {
  expect(await refusal('amqp://me:secret@no-such-host.invalid')).toMatchObject({
    code: 'CONNECT_FAILED',
    message: expect.stringContaining('there is no host no-such-host.invalid'),
  })
})

test.for([
  ['a web server', createHttpServer((_, response) => response.end('hello')), 'not speak AMQP'],
  ['a Redis', says('-ERR unknown command\r\n'), 'does not speak AMQP'],
  ['an SSH server', createServer((socket) => void socket.write('SSH-2.0-x\r\n')), 'not speak AMQP'],
  ['a broker of AMQP 1.0', says('AMQP\0\x01\0\0'), 'speaks another version of AMQP than 0-9-1'],
  ['who accepts and closes', createServer((socket) => void socket.destroy()), 'closed'],
  ['who accepts and resets', createServer((socket) => void socket.resetAndDestroy()), 'closed'],
  ['who says hello and closes', says('AMQP\0\0\x09\x01'.slice(0, 2)), 'does not speak AMQP'],
] as const)('%s', async ([, server, text]) => {
  const port = await listening(server)
  expect(await refusal(`amqp://me:secret@127.0.0.1:${port}`)).toMatchObject({
    code: 'CONNECT_FAILED',
    message: expect.stringContaining(text),
    hint: expect.stringContaining(`Does another program listen on port ${port} of 127.0.0.1?`),
  })
})

test.for(['amqp', 'amqps'])('who accepts and says nothing to %s: is waited for', async (scheme) => {
  const port = await listening(createServer(() => {}))
  expect(await refusal(`${scheme}://me:secret@127.0.0.1:${port}?timeout=2s`)).toMatchObject({
    code: 'TIMEOUT',
    message: expect.stringMatching(/did not answer in 2000 ms: .*took the connection and said/),
  })
})

test('an abort ends the wait at once', async () => {
  const asked = Promise.withResolvers<void>()
  const port = await listening(createServer(() => asked.resolve()))
  const abort = new AbortController()
  const connecting = connect(`amqp://127.0.0.1:${port}`, { ...quiet, signal: abort.signal })
  const refused = expect(connecting).rejects.toMatchObject({ code: 'ABORTED', definite: true })
  await asked.promise
  abort.abort()
  await refused
})

test('the command line says who does not answer, and one URL', async () => {
  const port = await listening(createServer(() => {}))
  const url = `amqp://127.0.0.1:${port}`
  using world = cliWorld()
  const { code, stderr } = await world.run(['publish', 'jobs', '1', '-u', url, '--timeout', '2s'])
  expect(code).toBe(7)
  expect(stderr.trim().split('\n')).toEqual([
    `error: ${url} did not answer in 2000 ms`,
    `  Does another program listen on port ${port} of 127.0.0.1? If it is a RabbitMQ with TLS: amqps://.`,
    `  Details: narrowcast doctor -u ${url}`,
    '  More time: --timeout 30s',
  ])
})

test('without the package of the client the command that installs it is named', async () => {
  const code = `
    import { registerHooks } from 'node:module'
    registerHooks({
      resolve(name, context, next) {
        if (name === 'amqplib') throw Object.assign(new Error('no'), { code: 'ERR_MODULE_NOT_FOUND' })
        return next(name, context)
      },
    })
    const { connect } = await import(process.argv[1])
    await connect('amqp://localhost').catch(({ code, hint }) => console.log(code, hint))`
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...['--input-type=module', '-e', code],
    resolve(import.meta.dirname, '../../src/connect.ts'),
  ])
  expect(stdout).toBe('CLIENT_MISSING Install it: npm install amqplib\n')
})

describeRabbitmq('a RabbitMQ', () => {
  let server: RabbitmqServer
  let at = ''
  beforeAll(async () => {
    server = await startRabbitmq()
    at = `127.0.0.1:${server.port}`
  }, 120_000)
  afterAll(() => server.stop())

  test('takes its own login, one of ours, and a password beside the URL', async () => {
    await server.ctl('add_user', 'me', 'secret/?#@')
    await server.ctl('set_permissions', 'me', '.*', '.*', '.*')
    const url = `amqp://me@${at}`
    for (const target of [
      server.url,
      `amqp://me:${encodeURIComponent('secret/?#@')}@${at}`,
      rabbitmq({ url, password: 'secret/?#@' }),
    ]) {
      await using bus = await connect(target, quiet)
      expect(bus.info).toMatchObject({ product: 'rabbitmq', version: server.version })
    }
    expect(await refusal(url)).toMatchObject({ code: 'LOGIN_REFUSED' })
  })

  test.for([
    ['guest:secret', 'RabbitMQ takes guest from its own machine only'],
    ['nobody:secret', 'Check user and password of the URL.'],
  ])('refuses the login %s', async ([login, hint]) => {
    expect(await refusal(`amqp://${login}@${at}`)).toMatchObject({
      code: 'LOGIN_REFUSED',
      definite: true,
      message: `rabbitmq: connect: ${at}: user ${login?.split(':')[0]} is refused`,
      hint: expect.stringContaining(hint as string),
    })
  })

  test('has no such vhost, or one for others, or for a few', async () => {
    expect(await refusal(`amqp://${at}/sh%2Fop`)).toMatchObject({
      code: 'NOT_FOUND',
      message: `rabbitmq: connect: ${at}: there is no vhost "sh/op"`,
      hint: expect.stringContaining('rabbitmqctl add_vhost sh/op'),
    })
    await server.ctl('add_vhost', 'sh/op')
    expect(await refusal(`amqp://${at}/sh%2Fop`)).toMatchObject({
      code: 'LOGIN_REFUSED',
      message: `rabbitmq: connect: ${at}: user guest may not use the vhost "sh/op"`,
      hint: "Allow it: rabbitmqctl set_permissions -p sh/op guest '.*' '.*' '.*'",
    })
    await server.ctl('set_permissions', '-p', 'sh/op', 'guest', '.*', '.*', '.*')
    await using bus = await connect(`amqp://${at}/sh%2Fop`, quiet)
    await bus.queue<number>('orders').publish(1)
    const queues = await server.ctl('list_queues', '-p', 'sh/op', 'name')
    expect(queues.split('\n')).toContain('orders')
    await server.ctl('set_vhost_limits', '-p', 'sh/op', '{"max-connections": 2}')
    expect(await refusal(`amqp://${at}/sh%2Fop`)).toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('limit (2) is reached'),
    })
  })

  test.for([
    ['^$', '^$', '.*'],
    ['.*', '^$', '.*'],
    ['.*', 'taken.*', '.*'],
  ])('tells a user what is not allowed: %s %s %s', async ([...allowed]) => {
    await using bus = await connect(server.url, quiet)
    await bus.queue<number>('taken').publish(1)
    await server.ctl('delete_user', 'few').catch(() => {}) // of the case before
    await server.ctl('add_user', 'few', 'secret')
    await server.ctl('set_permissions', 'few', ...allowed)
    await using few = await connect(`amqp://few:secret@${at}`, quiet)
    for (const name of ['taken', 'fresh']) {
      await expect(few.queue<number>(name).publish(1)).rejects.toMatchObject({
        code: 'LOGIN_REFUSED',
        message: expect.stringContaining("refused for user 'few'"),
      })
    }
  })

  test('takes a copy of what another user has signed with its name', async () => {
    await server.ctl('add_user', 'app', 'secret')
    await server.ctl('set_permissions', 'app', '.*', '.*', '.*')
    await using bus = await connect(`amqp://app:secret@${at}`, quiet)
    const backoff = { delayMsMin: 1, delayMsMax: 1 }
    const attempts: number[] = []
    const worker = bus.queue('signed', { backoff }).subscribe((_, { attempt }) => {
      attempts.push(attempt)
      if (attempt === 1) throw new Error('not yet')
    })
    worker.on('error', () => {}) // it is meant to fail
    await worker.ready()
    await withChannel(server.url, async (channel) => {
      channel.sendToQueue('signed', Buffer.from('1'), { userId: 'guest' })
      await channel.waitForConfirms()
    })
    await expect.poll(() => attempts).toEqual([1, 2])
  })

  test('is one of several hosts of which others are dead, silent or refuse', async () => {
    const silent = await listening(createServer(() => {}))
    const url = `amqp://127.0.0.1:1,127.0.0.1:${silent},${at}`
    for (let n = 0; n < 3; n++) {
      await using bus = await connect(url, quiet)
      expect(bus.info.version).toBe(server.version)
    }
    expect(await refusal(`amqp://me:secret@127.0.0.1:1,localhost:1`)).toMatchObject({
      code: 'CONNECT_FAILED',
    })
  }, 60_000)

  test('agrees on the shorter heartbeat, which the contract says', async () => {
    for (const [query, withinMs] of [
      ['?heartbeat=1s', 4_000],
      ['', 31_000],
      ['?heartbeat=300s', 181_000],
    ] as const) {
      await using bus = await connect(`${server.url}${query}`, quiet)
      const { redelivery } = await bus.queue('orders').opened()
      expect(redelivery.withinMs).toBe(withinMs)
    }
  })

  test.for(['stop_app', 'SIGKILL'] as const)(
    'that ends by %s is gone back to',
    { timeout: 120_000 },
    async (how) => {
      await using bus = await connect(server.url, quiet)
      const queue = bus.queue<number>(`again.${how}`)
      const seen: number[] = []
      const subscription = queue.subscribe((n) => void seen.push(n))
      subscription.on('error', () => {}) // it tells of the outage
      await subscription.ready()
      await queue.publish(1)
      await expect.poll(() => seen).toEqual([1])
      await (how === 'SIGKILL' ? server.kill() : server.ctl('stop_app'))
      await expect.poll(() => subscription.isReady).toBe(false)
      expect(await refusal(server.url)).toMatchObject({
        code: 'CONNECT_FAILED',
        hint: expect.stringContaining('Is RabbitMQ running?'),
      })
      await (how === 'SIGKILL' ? server.restart() : server.ctl('start_app'))
      await queue.publish(2)
      await expect.poll(() => seen.at(-1)).toBe(2)
      await subscription.ready()
    },
  )
})
