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
async function working(server: RabbitmqServer, name: string) {
  const bus = await connect(server.url)
  onTestFinished(() => bus.close({ timeoutMs: 1_000 }))
  const said: string[] = []
  const errors: string[] = []
  const runs: Run[] = []
  let began = Promise.withResolvers<Run>()
  const jobs = bus.queue<number>(name)
  const worker = jobs.subscribe((data, { signal, crashes }) => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const run = { data, crashes, signal, end: resolve }
    runs.push(run)
    said.push(`run ${data}`)
    signal.addEventListener('abort', () => resolve())
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
})
