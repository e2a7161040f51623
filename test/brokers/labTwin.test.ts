import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { startRedis } from '../../src/lab/brokers/redis.ts'
import type { ExperimentSubject } from '../../src/lab/run/experiment.ts'
import { scenarios } from '../../src/lab/scenarios/index.ts'
import type { Scenario } from '../../src/lab/scenarios/scenario.ts'
import { runTwin } from '../../src/lab/twin/runTwin.ts'
import { streamTwin } from '../../src/lab/twin/streamTwin.ts'
import { testKafka } from './kafkaHere.ts'
import { testRabbitmq } from './rabbitmqHere.ts'
import { testRedis } from './redisHere.ts'

const named = (name: string) => scenarios.find((one) => one.name === name) as Scenario
const few = { messages: 120, perSecond: 100, workers: 2, producers: 2, handlerMs: 2 }

async function run(
  scenario: string,
  subject: Pick<ExperimentSubject, 'backend' | 'pattern'>,
  signal: AbortSignal = new AbortController().signal,
) {
  const folder = await mkdtemp(join(tmpdir(), 'narrowcast-twin-'))
  try {
    return await runTwin({
      scenario: named(scenario),
      subject: { ...subject, profile: 'default', url: null },
      ...{ seed: 7, load: few, settings: {}, folder, signal },
    })
  } finally {
    await rm(folder, { recursive: true })
  }
}

const all = { acknowledged: 120, lost: 0, repeated: 0 }

it('the raw client does all messages of a file, once each', async () => {
  const figures = await run('calm', { backend: 'file', pattern: 'queue' })
  expect(figures).toMatchObject(all)
  expect(figures.perSecond).toBeGreaterThan(0)
}, 60_000)

const onRedis = [
  ['calm', 'redis-stream', 'queue'],
  ['calm', 'redis-stream', 'stream'],
  ['calm', 'redis-pubsub', 'broadcast'],
  ['backlog', 'redis-list', 'queue'],
] as const

testRedis.for(onRedis)(
  'and in %s those of %s %s',
  { timeout: 60_000 },
  async ([scenario, backend, pattern]) => {
    expect(await run(scenario, { backend, pattern })).toMatchObject(all)
  },
)

testRabbitmq('and those of a queue of RabbitMQ', { timeout: 60_000 }, async () => {
  expect(await run('backlog', { backend: 'rabbitmq', pattern: 'queue' })).toMatchObject(all)
})

testKafka.for(['queue', 'stream'] as const)(
  'and those of a %s of Kafka',
  { timeout: 90_000 },
  async (pattern) => {
    expect(await run('calm', { backend: 'kafka', pattern })).toMatchObject(all)
  },
)

it('one that was interrupted has no figures', async () => {
  const running = run('calm', { backend: 'file', pattern: 'queue' }, AbortSignal.abort())
  await expect(running).rejects.toMatchObject({ code: 'UNAVAILABLE', message: 'lab: interrupted' })
}, 60_000)

testRedis('in a stream, what one has had for longer than a lease another one claims', async () => {
  await using server = await startRedis()
  const place = { url: server.url, channel: 'lab', leaseMs: 0, group: null }
  const one = { ...place, reader: 'one' }
  await streamTwin.prepare(one)
  await using sender = await streamTwin.sender(one)
  await sender.send(Buffer.from('x'))
  await using holder = await streamTwin.reader({ ...one, leaseMs: 60_000 })
  const [held] = await holder.take(1)
  await using other = await streamTwin.reader({ ...place, reader: 'other' })
  const [claimed] = await other.take(1)
  expect([held, claimed].map((taken) => String(taken?.message))).toEqual(['x', 'x'])
  await claimed?.settle()
  expect(await other.take(1)).toEqual([])
})
