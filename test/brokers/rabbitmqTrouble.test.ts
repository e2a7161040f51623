import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { connect } from '../../src/connect.ts'
import { startRabbitmq } from '../../src/lab/brokers/rabbitmq.ts'
import type { RabbitmqServer } from '../../src/lab/brokers/rabbitmqServer.ts'
import { withChannel } from './rabbitmqClient.ts'
import { describeRabbitmq } from './rabbitmqHere.ts'

interface Run {
  readonly data: number
  readonly crashes: unknown
  readonly signal: AbortSignal
  readonly end: () => void
}

/** A worker whose handlers run until they are told, or are aborted. */
async function working(server: RabbitmqServer, name: string, query = '') {
  const bus = await connect(`${server.url}${query}`)
  onTestFinished(() => bus.close({ timeoutMs: 1_000 }))
  const said: string[] = []
  const errors: string[] = []
  const runs: Run[] = []
  let began = Promise.withResolvers<Run>()
  const jobs = bus.queue<number>(name)
  const worker = jobs.subscribe((data, { signal, crashes }) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const run = { data, crashes, signal, end: resolve }
    runs.push(run)
    said.push(`run ${data}`)
    signal.addEventListener('abort', () => reject(signal.reason))
    began.resolve(run)
    return promise
  })
  worker.on('lost', ({ why }) => said.push(`lost ${why}`))
  worker.on('settled', ({ outcome }) => said.push(outcome))
  worker.on('error', ({ error }) => errors.push(error.message))
  await worker.ready()
  const next = async () => {
    const run = await began.promise
    began = Promise.withResolvers()
    return run
  }
  return { bus, jobs, worker, said, errors, runs, next }
}

describeRabbitmq('rabbitmq in trouble', () => {
  let server: RabbitmqServer
  beforeAll(async () => {
    server = await startRabbitmq({ config: ['consumer_timeout = 2000'] })
    // How often a channel looks at what it has handed out; those that are open keep to the old.
    await server.ctl('eval', 'application:set_env(rabbit, channel_tick_interval, 500).')
  }, 60_000)
  afterAll(() => server?.stop())

  test('a message held for longer than the broker allows is lost, and comes again', async () => {
    const { jobs, worker, said, errors, next } = await working(server, 'held')
    await jobs.publish(1)
    const first = await next()
    const again = await next()
    expect(first.signal.aborted).toBe(true)
    expect(said.filter((what) => what !== 'late')).toEqual(['run 1', 'lost disconnected', 'run 1'])
    expect(errors.join()).toMatch(/PRECONDITION_FAILED.*timeout/)
    const settled = new Promise<void>((resolve) => void worker.on('settled', () => resolve()))
    again.end()
    await settled
    await jobs.publish(2)
    expect((await next()).data).toBe(2)
  })

  test('a queue that is removed under its worker is made again, and goes on', async () => {
    const { jobs, errors, said, next } = await working(server, 'removed')
    await jobs.publish(1)
    await next()
    await withChannel(server.url, (channel) => channel.deleteQueue('removed'))
    await expect.poll(() => said).toContain('lost cancelled')
    await jobs.publish(2)
    expect((await next()).data).toBe(2)
    expect(errors.length).toBeLessThan(5)
  })

  test('a server that stands still is left after two heartbeats, and served again', async () => {
    const { bus, jobs, said, next } = await working(server, 'still', '/?heartbeat=1s')
    await jobs.publish(1)
    const first = await next()
    process.kill(server.pid, 'SIGSTOP')
    try {
      await expect.poll(() => said).toContain('lost disconnected')
      expect(bus.health().trouble).toContain('Heartbeat timeout')
      expect(first.signal.aborted).toBe(true)
    } finally {
      process.kill(server.pid, 'SIGCONT')
    }
    const again = await next()
    expect(again.data).toBe(1)
    again.end()
    await jobs.publish(2)
    expect((await next()).data).toBe(2)
  })

  test('what came back as often as the queue allows is dead with its reason, and not gone', async () => {
    const { bus, jobs, worker } = await working(server, 'limit')
    await worker.drain()
    await jobs.publish(7)
    // The queue's own limit is 1,000; the lower one holds.
    await server.ctl('set_policy', 'limit', '^limit$', '{"delivery-limit":5}')
    await withChannel(server.url, async (channel) => {
      for (let times = 0; times < 10; times++) {
        const got = await channel.get('limit')
        if (got) channel.nack(got, false, true)
      }
    })
    const ref = { name: 'limit', pattern: 'queue' } as const
    const query = { cursor: null, limit: 10, newestFirst: false }
    await expect
      .poll(async () => (await bus.admin.deadLetters(ref, null, query)).items)
      .toMatchObject([
        { letter: { cause: 'crashes', reason: expect.stringContaining('delivery limit') } },
      ])
    expect((await bus.admin.depths([ref]))[0]).toMatchObject({ waiting: 0, dead: 1 })
  })

  test('a drain costs no message anything, be it begun or not', async () => {
    const { bus, jobs, next } = await working(server, 'drained')
    await jobs.publishMany(Array.from({ length: 5 }, (_, data) => ({ data })))
    const begun = await next()
    await bus.close({ timeoutMs: 0 })
    expect(begun.signal.aborted).toBe(true)
    const later = await working(server, 'drained')
    for (let seen = 0; seen < 5; seen++) {
      const run = await later.next()
      expect(run.crashes).toBe(0)
      run.end()
    }
    expect(later.runs.map(({ data }) => data).sort()).toEqual([0, 1, 2, 3, 4])
  })
})
