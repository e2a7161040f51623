import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { beforeAll, expect, test } from 'vitest'
import type { Session } from '../../src/core/driver.ts'
import { rabbitmq } from '../../src/drivers/rabbitmq/index.ts'
import { startRabbitmq } from '../../src/lab/brokers/rabbitmq.ts'
import type { RabbitmqServer } from '../../src/lab/brokers/rabbitmqServer.ts'
import {
  declare,
  openReader,
  outgoing,
  publish,
  several,
  take,
} from '../../src/testing/conformance/steps.ts'
import { createWorld, type World } from '../../src/testing/index.ts'
import { keepsPromises } from './promises.ts'
import { withChannel } from './rabbitmqClient.ts'
import { describeRabbitmq } from './rabbitmqHere.ts'

const signal = AbortSignal.timeout(600_000)
const first = { cursor: null, limit: 100, newestFirst: false } as const
/** It looks every five seconds. */
const seen = { timeout: 20_000, interval: 250 }

let server: RabbitmqServer
const managedAt = (management: string) =>
  rabbitmq({ url: `${server.url}?management=${encodeURIComponent(management)}` })

describeRabbitmq('rabbitmq with ?management=', () => {
  beforeAll(async () => {
    server = await startRabbitmq()
    return () => server.stop()
  }, 120_000)

  const make = async () => ({
    driver: managedAt(server.management),
    [Symbol.asyncDispose]: async () => {},
  })
  keepsPromises(
    { name: 'rabbitmq ?management', make, only: /^(admin|manage|settings|work: invalid)/ },
    ['queue'],
  )

  const world = async (driver = managedAt(server.management)): Promise<World> =>
    await createWorld({ driver, pattern: 'queue', signal })

  test('tells what is in hand, and how much comes and goes', { timeout: 60_000 }, async () => {
    await using here = await world()
    const channel = await declare(here)
    const reader = await openReader(here, channel, { hold: { messages: 3, bytes: 1_000 } })
    const send = async () => await publish(here, channel, several(200))
    await send()
    await take(here, reader, 3)
    const depth = async () => (await here.session.admin.depths?.([channel], signal))?.[0]
    const alone = { name: 'nothing.here', pattern: 'queue' } as const
    await expect.poll(async () => (await depth())?.inFlight, seen).toBe(3)
    const filling = setInterval(send, 100)
    await expect.poll(async () => (await depth())?.rates?.inPerS, seen).toBeGreaterThan(100)
    clearInterval(filling)
    const both = await here.session.admin.depths?.([alone, channel], signal)
    expect(both).toMatchObject([null, { inFlight: 3, in: 'unknown', rates: { outPerS: 0 } }])
  })

  test('tells how many nodes store a queue, made or not', async () => {
    await using here = await world()
    const channel = here.channel()
    const one = { stored: { in: 'disk', copies: 1 }, survives: { 'node-loss': 'no' }, manage: true }
    expect(await here.session.contract(channel, signal)).toMatchObject(one)
    await here.session.admin.ensure(channel, signal)
    expect(await here.session.contract(channel, signal)).toMatchObject(one)
    expect(here.session.info).toMatchObject({ warnings: [], unknown: [] })
    await using plain = await world(rabbitmq({ url: server.url }))
    expect(await plain.session.contract(channel, signal)).toMatchObject({
      stored: { copies: 'unknown' },
      survives: { 'node-loss': 'unknown' },
      manage: 'named',
    })
    expect(plain.session.info.unknown).toMatchObject([
      { why: expect.stringContaining('?management') },
    ])
  })

  test('lists channels, and nothing of other programs', async () => {
    await using here = await world()
    const { name } = await declare(here)
    const stream = { ...here.channel(), pattern: 'stream', name: `${name}.stream` } as const
    await here.session.admin.ensure(stream, signal)
    await withChannel(server.url, async (amqp) => {
      await amqp.assertQueue(`${name}.foreign`, { durable: true })
      await amqp.assertExchange(`${name}.topic`, 'topic', { durable: true })
    })
    const list = async (over: object) =>
      await here.session.admin.channels?.({ ...first, prefix: name, ...over }, signal)
    const [queue, other] = [
      { name, pattern: 'queue' },
      { name: stream.name, pattern: 'stream' },
    ]
    expect(await list({})).toEqual({ items: [queue, other], cursor: null })
    expect(await list({ limit: 1, newestFirst: true })).toEqual({
      items: [other],
      cursor: other?.name,
    })
    expect(await list({ newestFirst: true, cursor: other?.name })).toMatchObject({ items: [queue] })
  })

  test('finds the vhost, and its login, as the broker has them', async () => {
    await server.ctl('add_vhost', 'a/b')
    await server.ctl('add_user', 'me', 'p@ss:w?rd')
    await server.ctl('set_user_tags', 'me', 'management')
    await server.ctl('set_permissions', '-p', 'a/b', 'me', '.*', '.*', '.*')
    const login = `me:${encodeURIComponent('p@ss:w?rd')}`
    const url = `${server.url.replace('//', `//${login}@`)}/a%2Fb?management=${server.management}`
    await using here = await world(rabbitmq({ url }))
    const { name } = await declare(here)
    const found = await here.session.admin.channels?.({ ...first, prefix: '' }, signal)
    expect(found?.items).toEqual([{ name, pattern: 'queue' }])
    const own = server.management.replace('//', `//${login}@`)
    await using other = await world(managedAt(own))
    expect(other.session.info.warnings).toEqual([])
    await expect(list(other.session)).rejects.toThrow(/user me is refused/)
  })

  const list = async ({ admin }: Session) =>
    await admin.channels?.({ ...first, prefix: '' }, signal)

  async function answering(answer: RequestListener) {
    const other = createServer(answer)
    await new Promise<void>((done) => other.listen(0, '127.0.0.1', done))
    const place = `http://127.0.0.1:${(other.address() as AddressInfo).port}`
    const end = async () => {
      other.closeAllConnections()
      other.close()
    }
    return { place, [Symbol.asyncDispose]: end }
  }

  /** What is wrong is told, and a queue is none the worse for it. */
  async function expectOnlyTold(management: string, told: RegExp, code: string, hint: RegExp) {
    await using here = await world(managedAt(management))
    const { warnings, unknown } = here.session.info
    expect(warnings).toEqual([expect.stringMatching(told)])
    expect(warnings.join()).not.toContain('hunter2')
    expect(unknown).toHaveLength(1)
    await expect(list(here.session)).rejects.toMatchObject({
      ...{ code, message: expect.stringMatching(told), hint: expect.stringMatching(hint) },
      definite: true,
    })
    const channel = await declare(here)
    expect(await here.session.contract(channel, signal)).toMatchObject({
      stored: { copies: 'unknown' },
      survives: { 'node-loss': 'unknown' },
    })
    await publish(here, channel, [outgoing('a'), outgoing('b')])
    const reader = await openReader(here, channel, { hold: { messages: 1, bytes: 1_000 } })
    expect(await take(here, reader, 1)).toMatchObject([{ message: { id: 'a' } }])
    expect(await here.session.admin.depths?.([channel], signal)).toMatchObject([
      { waiting: 1, inFlight: 'unknown' },
    ])
  }

  test('that nobody answers at', async () => {
    await expectOnlyTold(
      'http://me:hunter2@127.0.0.1:1',
      /127\.0\.0\.1:1/,
      'CONNECT_FAILED',
      /plugin on/,
    )
  })

  test('of another login', async () => {
    const wrong = server.management.replace('//', '//guest:hunter2@')
    await expectOnlyTold(wrong, /user guest is refused/, 'LOGIN_REFUSED', /set_user_tags/)
  })

  test('that is the port of AMQP', async () => {
    const port = `http://127.0.0.1:${server.port}`
    await expectOnlyTold(port, /does not speak HTTP/, 'CONNECT_FAILED', /15672/)
  })

  test('of another program', async () => {
    await using other = await answering((_, answer) => answer.end('<html>hello</html>'))
    const told = /does not answer as a management plugin/
    await expectOnlyTold(other.place, told, 'CONNECT_FAILED', /plugin on/)
  })

  test('that leads elsewhere, and takes the login nowhere', async () => {
    const asked: unknown[] = []
    await using target = await answering(({ headers }, answer) => {
      asked.push(headers.authorization)
      answer.end('{}')
    })
    await using other = await answering((_, answer) => {
      answer.writeHead(302, { location: target.place }).end()
    })
    await expectOnlyTold(other.place, /status 302/, 'UNAVAILABLE', /plugin on/)
    expect(asked).toEqual([])
  })

  test('that never answers', { timeout: 60_000 }, async () => {
    await using other = await answering(() => {})
    await expectOnlyTold(other.place, /no answer in/, 'TIMEOUT', /plugin on/)
  })

  test('of another broker', async () => {
    await using other = await answering((_, answer) => {
      answer.end(JSON.stringify({ cluster_name: 'rabbit@elsewhere' }))
    })
    await using here = await world(managedAt(other.place))
    const told = 'is the management plugin of rabbit@elsewhere, not of rabbit1@'
    expect(here.session.info.warnings).toEqual([expect.stringContaining(told)])
  })
})
