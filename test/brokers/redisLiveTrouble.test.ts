import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { createClient } from '@redis/client'
import { expect, onTestFinished, test } from 'vitest'
import type { ChannelSpec, SubscriberSpec } from '../../src/core/channel.ts'
import type { Live, Session } from '../../src/core/driver.ts'
import { randomName } from '../../src/core/ids.ts'
import type { OutgoingMessage } from '../../src/core/message.ts'
import { redis } from '../../src/drivers/redis/index.ts'
import { connect, NarrowcastError } from '../../src/index.ts'
import { askRedis } from '../../src/lab/brokers/askRedis.ts'
import { startRedis } from '../../src/lab/brokers/redis.ts'
import { Actor } from '../faults/liveScene.ts'
import { describeRedis } from './redisHere.ts'

const never = new AbortController().signal
const room = { messages: 1_000, bytes: 64 * 1_048_576 }
const silent = { gap: () => {} }

function channel(over: Partial<ChannelSpec> = {}): ChannelSpec {
  return {
    name: `live-${randomName()}`,
    pattern: 'broadcast',
    via: 'direct',
    leaseMs: 30_000,
    envelope: true,
    payloadBytesMax: 1_000_000,
    dedupeWindowMs: null,
    retention: { ageMs: null, messages: null, bytes: null },
    ...over,
  }
}

const message = (id: string, body = '1'): OutgoingMessage => ({
  ...{ id, body, key: null, timeMs: 0, headers: {}, delayMs: 0, redrives: 0, dedupeId: null },
  ...{ type: 't', source: 's' },
})

const subscriber = (id = 'w'): SubscriberSpec => ({
  worker: { id, incarnation: 'one' },
  leaseMs: 30_000,
  hold: { messages: 10_000, bytes: 64 * 1_048_576 },
})

const liveOf = (session: Session) => session.live as Required<Live>

async function server(...args: string[]) {
  const started = await startRedis({ args })
  onTestFinished(() => started.stop())
  return started
}

/** A session, and what ended it. */
async function opened(url: string) {
  const ended = Promise.withResolvers<NarrowcastError>()
  const session = await redis({ url }).open({ closed: ended.resolve }, never)
  onTestFinished(() => session[Symbol.asyncDispose]())
  return { session, live: liveOf(session), ended: ended.promise }
}

const pubsubLimit = (limit: string) => ['--client-output-buffer-limit', `pubsub ${limit}`] as const

describeRedis('live patterns on redis in trouble:', () => {
  test('a subscriber that is frozen is cut off, is told why and that it missed something, and is back', async () => {
    const { url } = await server(...pubsubLimit('1mb 512kb 60'))
    const dir = await mkdtemp(join(tmpdir(), 'narrowcast-slow-'))
    const wish = { pattern: 'broadcast' }
    const slow = new Actor(`${url}?timeout=1m`, join(dir, 'book'), 'worker', 'slow', wish)
    onTestFinished(async () => {
      await slow.kill()
      await rm(dir, { recursive: true })
    })
    await slow.tells('opened')
    await using bus = await connect(url)
    const rooms = bus.broadcast<string>('rooms')
    await slow.freeze()
    const large = '.'.repeat(200_000)
    while ((await rooms.publish(large)).receivers !== 0);
    slow.thaw()
    expect(await slow.tells('gap')).toMatchObject({ missed: 'unknown', why: 'reconnect' })
    await expect.poll(async () => (await rooms.publish('again', { id: 'again' })).receivers).toBe(1)
    await expect.poll(() => slow.book.some(({ id }) => id === 'again')).toBe(true)
    const errors = slow.book.filter(({ event }) => event === 'error')
    expect(errors.map(({ code }) => code)).toContain('CONNECTION_LOST')
  })

  test('who was cut off is told what the server allows', async () => {
    const { url } = await server(...pubsubLimit('1048576 524288 60'))
    const spec = channel()
    const { live, ended } = await opened(url)
    const source = await live.subscribe(spec, subscriber(), silent, never)
    const receiving = source.receive(room, never)
    const lost = expect(receiving).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
    const flood = `for i = 1, 40 do redis.call('PUBLISH', ARGV[1], string.rep('.', 100000)) end`
    await askRedis(url, 'EVAL', flood, '0', spec.name)
    const error = await ended
    expect(error.code).toBe('CONNECTION_LOST')
    expect(error.message).toMatch(
      /closed the message connection.*cuts off who reads too slowly.*pubsub 1048576 524288 60/,
    )
    await lost
    await expect(source.renew(never)).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
  })

  test('who was killed by an administrator is told that as a possibility', async () => {
    const { url } = await server()
    const { live, ended } = await opened(url)
    await live.subscribe(channel(), subscriber(), silent, never)
    await askRedis(url, 'CLIENT', 'KILL', 'TYPE', 'pubsub')
    const { code, message: text } = await ended
    expect(code).toBe('CONNECTION_LOST')
    expect(text).toMatch(/closed the message connection.*pubsub \d+ \d+ 60\), and whom CLIENT KILL/)
  })

  test('and is told so also where this process stands still meanwhile', async () => {
    const { url } = await server()
    const { live, ended } = await opened(url)
    await live.subscribe(channel(), subscriber(), silent, never)
    await askRedis(url, 'CLIENT', 'KILL', 'TYPE', 'pubsub')
    let isTold = false
    void ended.then(() => {
      isTold = true
    })
    while (!isTold) {
      await turn()
      // As long as an explanation is waited for.
      for (const untilMs = performance.now() + 1_000; performance.now() < untilMs; );
    }
    expect((await ended).message).toContain('and whom CLIENT KILL names')
  })

  test('a large batch cuts nobody off: the server is given time to write', async () => {
    const { url } = await server(...pubsubLimit('3mb 0 0'))
    const spec = channel()
    const { session, live } = await opened(url)
    const source = await live.subscribe(spec, subscriber(), silent, never)
    const body = JSON.stringify('.'.repeat(100_000))
    const batch = Array.from({ length: 100 }, (_, n) => message(`m${n}`, body))
    const publisher = await session.publisher(spec, never)
    const outcomes = await publisher.publish(batch, never)
    expect(outcomes.every((one) => one.state === 'stored' && one.receivers === 1)).toBe(true)
    const ids: string[] = []
    while (ids.length < 100) ids.push(...(await source.receive(room, never)).map(({ id }) => id))
    expect(ids).toEqual(batch.map(({ id }) => id))
  })

  test('who listens to everything is neither a worker nor a lead', async () => {
    const { url } = await server()
    const watcher = await createClient({ url }).connect()
    onTestFinished(() => watcher.destroy())
    const seen: string[] = []
    await watcher.pSubscribe('*', (_, name) => void seen.push(name))
    const spec = channel({ pattern: 'narrowcast', via: 'relay' })
    const { session, live } = await opened(url)
    const to = { id: 'gone', incarnation: 'one' }
    const outcomes = await live.send(spec, [{ to, message: message('m') }], null, never)
    expect(outcomes).toEqual(['nobody'])
    const publisher = await session.publisher(spec, never)
    expect(await publisher.publish([message('m')], never)).toMatchObject([{ receivers: 0 }])
    expect(await live.workers(spec, never)).toEqual([])
    expect(seen.filter((name) => name.startsWith(spec.name))).toEqual([])
  })

  test('a publish that is not answered in time may have arrived, and costs nobody else anything', async () => {
    const { url } = await server()
    const { session, live, ended } = await opened(url)
    let isLost = false
    void ended.then(() => {
      isLost = true
    })
    const spec = channel()
    const source = await live.subscribe(spec, subscriber(), silent, never)
    const publisher = await session.publisher(spec, never)
    await askRedis(url, 'CLIENT', 'PAUSE', '60000', 'WRITE')
    const abort = new AbortController()
    const publishing = publisher.publish([message('late')], abort.signal)
    const timeout = new NarrowcastError('TIMEOUT', 'no answer in time')
    setImmediate(() => abort.abort(timeout))
    expect(await publishing).toMatchObject([{ state: 'unknown', code: 'TIMEOUT' }])
    const next = publisher.publish([message('next')], never)
    await askRedis(url, 'CLIENT', 'UNPAUSE')
    expect(await next).toMatchObject([{ state: 'stored', receivers: 1 }])
    const came: string[] = []
    while (came.length < 2) {
      came.push(...(await source.receive(room, never)).map(({ id }) => id))
    }
    expect([came, isLost]).toEqual([['late', 'next'], false])
  })

  test('who wants to lead is aborted at once while the server stands still', async () => {
    const { url, pid } = await server()
    const spec = channel({ pattern: 'narrowcast', via: 'relay' })
    const { live, ended } = await opened(url)
    let isLost = false
    void ended.then(() => {
      isLost = true
    })
    await live.workers(spec, never) // it is connected
    process.kill(pid, 'SIGSTOP')
    const abort = new AbortController()
    const standing = live.lead(spec, subscriber(), silent, abort.signal)
    setImmediate(() => abort.abort())
    await expect(standing).rejects.toMatchObject({ code: 'ABORTED' })
    expect(isLost).toBe(false)
    process.kill(pid, 'SIGCONT')
    const next = await live.lead(spec, subscriber('next'), silent, never)
    await next[Symbol.asyncDispose]()
  })

  test.for(['broadcast', 'narrowcast', 'a lead', 'a standby'] as const)(
    'nobody who leaves waits for a server until that counts as lost: %s',
    async (who) => {
      const started = await server()
      const pattern = who === 'broadcast' ? 'broadcast' : 'narrowcast'
      const spec = channel({ pattern, ...(who.startsWith('a ') && { via: 'relay' }) })
      const { live, ended } = await opened(started.url)
      let isLost = false
      void ended.then(() => {
        isLost = true
      })
      if (who === 'a standby') {
        await live.lead(spec, subscriber(), silent, never)
        const abort = new AbortController()
        const standing = live.lead(spec, subscriber('next'), silent, abort.signal)
        const key = `{${spec.name}}:standby`
        await expect.poll(() => askRedis(started.url, 'ZCARD', key)).toBe(1)
        process.kill(started.pid, 'SIGSTOP')
        abort.abort()
        await expect(standing).rejects.toMatchObject({ code: 'ABORTED' })
      } else {
        const source =
          who === 'a lead'
            ? await live.lead(spec, subscriber(), silent, never)
            : await live.subscribe(spec, subscriber(), silent, never)
        process.kill(started.pid, 'SIGSTOP')
        const stopping = source.stop(AbortSignal.timeout(1))
        await expect(stopping).rejects.toMatchObject({ code: 'ABORTED' })
        await source[Symbol.asyncDispose]()
      }
      expect(isLost).toBe(false)
      process.kill(started.pid, 'SIGCONT')
    },
  )

  test('what was aborted before it left is refused', async () => {
    const { url } = await server()
    const { session } = await opened(url)
    const publisher = await session.publisher(channel(), never)
    const refused = await publisher.publish([message('m')], AbortSignal.abort())
    expect(refused).toMatchObject([{ state: 'refused', code: 'ABORTED' }])
    expect(await publisher.publish([message('m')], never)).toMatchObject([{ receivers: 0 }])
  })

  test('one that was ahead and does not come is passed over', async () => {
    const { url } = await server()
    const spec = channel({ pattern: 'narrowcast', via: 'relay' })
    const { live } = await opened(url)
    const standby = `{${spec.name}}:standby`
    const later = String(Date.now() + 600_000)
    await askRedis(url, 'ZADD', standby, later, '0000000000000000:frozen')
    const lead = await live.lead(spec, subscriber(), silent, never)
    expect(lead.fence).not.toBe('')
    expect(await askRedis(url, 'ZRANGE', standby, '0', '-1')).toEqual(['0000000000000000:frozen'])
  })

  test.for(['broadcast', 'narrowcast'] as const)(
    'the lease of a %s begins when the subscription is there, however long that took',
    async (pattern) => {
      const { url } = await server()
      const spec = channel({ pattern })
      const { session, live } = await opened(url)
      const before = await live.subscribe(spec, subscriber('before'), silent, never)
      await before[Symbol.asyncDispose]()
      await askRedis(url, 'CLIENT', 'PAUSE', '600', 'ALL')
      const source = await live.subscribe(spec, { ...subscriber(), leaseMs: 250 }, silent, never)
      const receiving = source.receive(room, never)
      const to = subscriber().worker
      if (pattern === 'narrowcast') {
        expect(await live.send(spec, [{ to, message: message('m') }], null, never)).toEqual([
          'handed',
        ])
      } else await (await session.publisher(spec, never)).publish([message('m')], never)
      expect((await receiving).map(({ id }) => id)).toEqual(['m'])
    },
  )

  test.for(['broadcast', 'narrowcast'] as const)(
    'a subscriber of a %s that is given up while it comes is not there afterwards',
    async (pattern) => {
      const { url } = await server()
      const spec = channel({ pattern })
      const { live } = await opened(url)
      const before = await live.subscribe(spec, subscriber('before'), silent, never)
      await before[Symbol.asyncDispose]()
      await askRedis(url, 'CLIENT', 'PAUSE', '300', 'ALL')
      const stop = new AbortController()
      const coming = live.subscribe(spec, subscriber(), silent, stop.signal)
      stop.abort()
      await expect(coming).rejects.toMatchObject({ code: 'ABORTED' })
      // All that the server is asked for here comes after what it was asked for there.
      const after = await live.subscribe(spec, subscriber('after'), silent, never)
      await after[Symbol.asyncDispose]()
      expect(await askRedis(url, 'PUBSUB', 'CHANNELS')).toEqual([])
    },
  )

  test('when the server goes, whoever waits is told', async () => {
    const killed = await server()
    const spec = channel({ pattern: 'narrowcast', via: 'relay' })
    const { live, ended } = await opened(killed.url)
    const worker = await live.subscribe(spec, subscriber(), silent, never)
    const lead = await live.lead(spec, subscriber('lead'), silent, never)
    const lost = { code: 'CONNECTION_LOST' }
    const told = [
      expect(worker.receive(room, never)).rejects.toMatchObject(lost),
      expect(lead.receive(room, never)).rejects.toMatchObject(lost),
      expect(live.lead(spec, subscriber('next'), silent, never)).rejects.toMatchObject(lost),
    ]
    await killed.kill()
    expect((await ended).code).toBe('CONNECTION_LOST')
    await Promise.all(told)
    await worker[Symbol.asyncDispose]()
    await lead[Symbol.asyncDispose]()
  })

  test('what others say where only we listen does no harm', async () => {
    const { url } = await server()
    const spec = channel({ pattern: 'narrowcast' })
    const { live } = await opened(url)
    const worker = await live.subscribe(spec, subscriber(), silent, never)
    for (const text of ['', '{}', 'a b', '%E0%A4%A 234567abcdefghij']) {
      await askRedis(url, 'PUBLISH', `{${spec.name}}:s:w`, text)
    }
    const listener = createClient({ url })
    await listener.connect()
    onTestFinished(() => listener.destroy())
    await listener.subscribe([`${spec.name}:w:%E0%A4%A:one`, `${spec.name}:w:only`], () => {})
    expect(await live.workers(spec, never)).toEqual([{ id: 'w', incarnation: 'one' }])
    await worker.renew(never)
  })
})
