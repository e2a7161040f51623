import { describe, expect, test } from 'vitest'
import type { Bus, Subscription } from '../../src/index.ts'
import {
  channelName,
  missing,
  named,
  ourBus,
  pythonSocket,
  redisCliRaw,
  theirClient,
} from './redisForeign.ts'

interface Listener {
  readonly seen: { data: unknown; id: string }[]
  readonly errors: (string | undefined)[]
  readonly worker: Subscription
}

async function listen(
  pattern: 'broadcast' | 'narrowcast',
  name: string,
  bus: Bus | null = null,
): Promise<Listener> {
  const channel = (bus ?? (await ourBus()))[pattern]<unknown>(name)
  const seen: Listener['seen'] = []
  const errors: Listener['errors'] = []
  const worker = channel.subscribe((data, { message }) => {
    seen.push({ data, id: message.id })
  })
  worker.on('error', ({ error }) => errors.push(error.code))
  await worker.ready()
  return { seen, errors, worker }
}

const until = (check: () => void) => expect.poll(check, { timeout: 10_000 })
const dataOf = ({ seen }: Listener) => seen.map(({ data }) => data)

describe.skipIf(missing.redis !== null)(
  named('Pub/Sub, beside programs without us', missing.redis),
  () => {
    test.skipIf(missing.cli !== null)(
      'a broadcast takes any JSON that redis-cli publishes, and goes to all',
      async () => {
        const name = channelName('publish')
        const listeners = [await listen('broadcast', name), await listen('broadcast', name)]
        const texts = ['{"n":1}', '7', '"text"', 'null', '[1,[2]]']
        for (const text of texts) {
          expect(await redisCliRaw('PUBLISH', name, text)).toEqual(['2'])
        }
        const all = texts.map((text) => JSON.parse(text) as unknown)
        for (const one of listeners) await until(() => dataOf(one)).toEqual(all)
      },
    )

    test('what is no JSON is told as an error, and given as bytes to who asks for bytes', async () => {
      const name = channelName('text')
      const asJson = await listen('broadcast', name)
      const raw = (await ourBus()).broadcast(name, { codec: 'bytes' })
      const given: Buffer[] = []
      await raw.subscribe((data) => void given.push(Buffer.from(data))).ready()
      const client = await theirClient()
      const bodies = [Buffer.from('no JSON'), Buffer.from([0, 0xff]), Buffer.from('{"n":1}')]
      for (const body of bodies) await client.publish(name, body)
      await until(() => given).toEqual(bodies)
      await until(() => dataOf(asJson)).toEqual([{ n: 1 }])
      expect(asJson.errors).toHaveLength(2)
    })

    test('a broadcast is CloudEvents JSON for a plain subscriber, every field of it', async () => {
      const name = channelName('wire')
      const client = await theirClient()
      const heard: unknown[] = []
      await client.subscribe(name, (text) => heard.push(JSON.parse(text)))
      const channel = (await ourBus()).broadcast<unknown>(name)
      const timeMs = Date.parse('2026-01-02T03:04:05.678Z')
      const all = { id: 'all', key: 'ada', type: 'placed', source: 'shop', headers: { lang: 'de' } }
      expect(await channel.publish({ n: 1 }, { ...all, timeMs })).toMatchObject({ receivers: 1 })
      await channel.publish('few', { id: 'few', timeMs })
      const common = {
        ...{ specversion: '1.0', time: '2026-01-02T03:04:05.678Z' },
        datacontenttype: 'application/json',
      }
      await until(() => heard).toEqual([
        {
          ...{ ...common, id: 'all', type: 'placed', source: 'shop', subject: 'ada' },
          ...{ headers: '{"lang":"de"}', data: { n: 1 } },
        },
        { ...common, id: 'few', type: name, source: 'narrowcast', data: 'few' },
      ])
    })

    test('a program without us picks a live worker of a narrowcast, and hears as one', async () => {
      const name = channelName('direct')
      const workers = [await listen('narrowcast', name), await listen('narrowcast', name)]
      const client = await theirClient()
      const live = await client.pubSubChannels(`${name}:w:*`)
      // After the id stands a name of its start.
      const addresses = workers.map(({ worker: { worker } }) => [worker.id, worker.incarnation])
      expect(live.map((one) => one.slice(name.length + 3).split(':')).sort()).toEqual(
        addresses.sort(),
      )
      for (const channel of live) expect(await client.publish(channel, '"direct"')).toBe(1)
      for (const one of workers) await until(() => dataOf(one)).toEqual(['direct'])

      for (const { worker } of workers) await worker.drain()
      const heard: { data?: unknown }[] = []
      const theirs = await theirClient()
      await theirs.subscribe(`${name}:w:them:1`, (text) => heard.push(JSON.parse(text)))
      const sent = await (await ourBus()).narrowcast<unknown>(name).publish({ n: 2 })
      expect(sent.receivers).toBe(1)
      await until(() => heard.map(({ data }) => data)).toEqual([{ n: 2 }])
    })

    test('a relay gives what a program without us publishes to one worker', async () => {
      const name = channelName('relay')
      const workers = [await listen('narrowcast', name), await listen('narrowcast', name)]
      const relay = await (await ourBus()).relay(name)
      await relay.ready()
      const client = await theirClient()
      const sent = Array.from({ length: 20 }, (_, n) => n)
      for (const n of sent) expect(await client.publish(name, String(n))).toBe(1)
      await until(() => workers.flatMap(dataOf).length).toBe(20)
      const got = workers.flatMap(dataOf).map(Number)
      expect(got.sort((a, b) => a - b)).toEqual(sent)
    })

    test.skipIf(missing.python !== null)(
      'takes part with a program of another language on a bare socket',
      async () => {
        const name = channelName('python')
        const listener = await listen('broadcast', name)
        expect(await pythonSocket(['PUBLISH', name, '{"from":"python"}'])).toEqual([1])
        await until(() => dataOf(listener)).toEqual([{ from: 'python' }])
      },
    )
  },
)

describe.skipIf(missing.redis !== null)(
  named('Pub/Sub with envelope: false', missing.redis),
  () => {
    test.for(['broadcast', 'narrowcast'] as const)(
      '%s: the data alone, for plain subscribers and for ours',
      async (pattern) => {
        const name = channelName('plain')
        const channel = (await ourBus())[pattern]<unknown>(name, { envelope: false })
        const client = await theirClient()
        const heard: string[] = []
        const theirs = pattern === 'broadcast' ? name : `${name}:w:them:1`
        await client.subscribe(theirs, (text) => heard.push(text))
        await channel.publish({ n: 1, name: 'ünï' })
        await until(() => heard).toEqual(['{"n":1,"name":"ünï"}'])
        await client.unsubscribe(theirs)
        const ours = await listen(pattern, name)
        await expect.poll(async () => (await channel.publish(2)).receivers).toBe(1)
        await until(() => dataOf(ours)).toContain(2)
      },
    )

    test('a relay leaves as it is what had no envelope, and what had one', async () => {
      const name = channelName('relayed')
      const client = await theirClient()
      const heard: Buffer[] = []
      await client.subscribe(`${name}:w:them:1`, (body) => heard.push(body), true)
      const bus = await ourBus()
      await (await bus.relay(name)).ready()
      const plain = bus.narrowcast<unknown>(name, { via: 'relay', envelope: false })
      expect((await plain.publish({ n: 1, name: 'ünï' })).receivers).toBe(1)
      const theirs = [
        Buffer.from(' { "n" : 1.0 } '),
        Buffer.from('no JSON'),
        Buffer.from([0, 0xff]),
      ]
      for (const body of theirs) expect(await client.publish(name, body)).toBe(1)
      const event = { id: 'e', source: 'shop', type: 'placed', data: 2 }
      await client.publish(name, JSON.stringify({ specversion: '1.0', ...event }))
      await until(() => heard.length).toBe(5)
      expect(heard.slice(0, 4)).toEqual([Buffer.from('{"n":1,"name":"ünï"}'), ...theirs])
      expect(JSON.parse(String(heard[4]))).toMatchObject(event)
    })
  },
)
