import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { connect } from '../../src/connect.ts'
import { retry } from '../../src/index.ts'
import { askRedis } from '../../src/lab/brokers/askRedis.ts'
import { startRedis } from '../../src/lab/brokers/redis.ts'
import type { RedisServer } from '../../src/lab/brokers/redisServer.ts'
import type { Bus } from '../../src/runtime/api.ts'
import { testRedis } from './redisHere.ts'

const page = readFileSync(join(import.meta.dirname, '../../docs/drivers/redis.md'), 'utf8')
const [, listed = ''] = /ACL SETUSER shop on >PASSWORD ~\* &\* -@all ([^`]*)```/.exec(page) ?? []
const rights = listed.trim().split(/\s+/)
const [, narrow = ''] = /begin with `shop\.`: `([^`]*)`/.exec(page) ?? []
const [, heard = ''] = /and\s+`(&shop[^`]*)`/.exec(page) ?? []

async function userOf(server: RedisServer, ...rules: readonly string[]): Promise<string> {
  await askRedis(server.url, 'ACL', 'SETUSER', 'shop', 'reset', 'on', '>pw', ...rules)
  return `redis://shop:pw@127.0.0.1:${server.port}`
}

test('the page lists rights', () => {
  expect(rights.length).toBeGreaterThan(50)
  expect(rights.every((right) => /^\+[a-z]+(\|[a-z]+)?$/.test(right))).toBe(true)
  expect(narrow.split(' ')).toContain('~narrowcast:channels')
  expect(heard.split(' ')).toContain('&shop.*')
})

const page100 = { cursor: null, limit: 100, newestFirst: false } as const

/** Everything that programs do. */
async function doAll(bus: Bus, prefix: string): Promise<void> {
  const jobs = bus.queue<number>(`${prefix}jobs`, { dedupe: { on: 'publish' }, attempts: 2 })
  const lanes = bus.queue<number>(`${prefix}lanes`, {
    ...{ order: 'key', dedupe: { on: 'consume' }, backoff: { delayMsMin: 1, delayMsMax: 2 } },
  })
  const events = bus.stream<number>(`${prefix}events`, { retention: { messages: 10 } })
  const dead = Promise.withResolvers<void>()
  const done = Promise.withResolvers<void>()
  const seen: number[] = []
  const worker = jobs.subscribe((n) => {
    if (n < 0) throw new Error('no')
    seen.push(n)
  })
  worker.on('error', () => {})
  worker.on('dead', () => dead.resolve())
  await jobs.publish(1, { id: 'a' })
  await jobs.publish(1, { id: 'a' })
  await jobs.publish(2, { delayMs: 20 })
  await jobs.publish(-1)
  await dead.promise
  const queue = { name: `${prefix}jobs`, pattern: 'queue' } as const
  const [letter] = (await bus.admin.deadLetters(queue, null, page100)).items
  await bus.admin.redrive(queue, [letter?.ref as string], null)
  await bus.admin.depths([queue])
  await bus.admin.peek(queue, { ...page100, from: 'first' })
  await bus.admin.pause(queue, true)
  await bus.admin.pause(queue, false)
  const ordered = lanes.subscribe((n, { attempt }) => {
    if (n === 3 && attempt === 1) return retry()
    if (n === 9) done.resolve()
  })
  for (let n = 0; n < 10; n++) await lanes.publish(n, { key: 'k' })
  await done.promise
  const read = Promise.withResolvers<void>()
  const group = events.subscribe((n) => void (n === 19 && read.resolve()), { group: 'mail' })
  await events.publishMany(Array.from({ length: 20 }, (_, data) => ({ data })))
  await read.promise
  const stream = { name: `${prefix}events`, pattern: 'stream' } as const
  await bus.admin.groups(stream)
  await bus.admin.peek(stream, { ...page100, from: 'first' })
  await doLive(bus, prefix)
  await Promise.all([worker.drain(), ordered.drain(), group.drain()])
  await bus.admin.seek(stream, 'mail', 'first')
  await bus.admin.removeGroup(stream, 'mail')
  await bus.admin.purge(queue)
  await bus.admin.channels({ ...page100, prefix })
  await bus.admin.remove(queue)
}

async function doLive(bus: Bus, prefix: string): Promise<void> {
  const heardAll = Promise.withResolvers<void>()
  const news = bus.broadcast<number>(`${prefix}news`)
  const rooms = bus.narrowcast<number>(`${prefix}rooms`)
  const relayed = bus.narrowcast<number>(`${prefix}relayed`, { via: 'relay' })
  const heard: string[] = []
  const hears = (what: string) => () => {
    heard.push(what)
    if (heard.length === 3) heardAll.resolve()
  }
  const all = [news, rooms, relayed].map((one) => one.subscribe(hears(one.name)))
  await Promise.all(all.map((one) => one.ready()))
  const relay = await bus.relay(`${prefix}relayed`)
  await relay.ready()
  for (const one of [news, rooms, relayed]) await one.publish(1)
  await heardAll.promise
  await relay[Symbol.asyncDispose]()
  await Promise.all(all.map((one) => one.drain()))
}

testRedis.each(['list', 'stream'])(
  'a user with exactly these rights can do everything (queues as %s)',
  async (queue) => {
    await using server = await startRedis()
    const url = await userOf(server, '~*', '&*', ...rights)
    const bus = await connect(`${url}/0?queue=${queue}`)
    onTestFinished(() => bus.close())
    await doAll(bus, '')
    const refused = (await askRedis(server.url, 'ACL', 'LOG')) as { object: string }[]
    // The client tells its name to who listens to it, and goes on where nobody does.
    const objects = refused.map(({ object }) => object)
    expect(objects.filter((one) => one !== 'client|setinfo')).toEqual([])
  },
)

testRedis(
  'keys and channels of a prefix are enough for channels of that prefix, and for no other',
  async () => {
    await using server = await startRedis()
    const url = await userOf(server, ...narrow.split(' '), ...heard.split(' '), ...rights)
    const bus = await connect(url)
    onTestFinished(() => bus.close())
    await doAll(bus, 'shop.')
    const other = bus.queue('other').publish(1)
    await expect(other).rejects.toMatchObject({ code: 'LOGIN_REFUSED', definite: true })
  },
)

testRedis('without CONFIG GET everything else goes on', async () => {
  await using server = await startRedis()
  const fewer = rights.filter((right) => right !== '+config|get')
  const bus = await connect(await userOf(server, '~*', '&*', ...fewer))
  onTestFinished(() => bus.close())
  expect(bus.info.unknown).not.toEqual([])
  await bus.queue('orders').publish(1)
})
