import { expect, onTestFinished, test } from 'vitest'
import { connect } from '../../src/connect.ts'
import { askRedis } from '../../src/lab/brokers/askRedis.ts'
import { startRedis } from '../../src/lab/brokers/redis.ts'
import type { RedisServer } from '../../src/lab/brokers/redisServer.ts'
import { describeRedis } from './redisHere.ts'

interface Run {
  readonly crashes: unknown
  readonly signal: AbortSignal
  readonly end: () => void
}

/** A worker whose handlers run until they are told, or are aborted. */
async function working(server: RedisServer, queue: string) {
  const bus = await connect(`${server.url}?queue=${queue}&lease=6s`, { telemetry: false })
  onTestFinished(() => bus.close({ timeoutMs: 1_000 }))
  const said: string[] = []
  const runs: Run[] = []
  let began = Promise.withResolvers<void>()
  const jobs = bus.queue<number>('jobs')
  const worker = jobs.subscribe((_n, { signal, crashes }) => {
    const { promise, resolve } = Promise.withResolvers<void>()
    runs.push({ crashes, signal, end: resolve })
    said.push('run')
    signal.addEventListener('abort', () => resolve())
    began.resolve()
    return promise
  })
  worker.on('lost', ({ why }) => said.push(`lost ${why}`))
  worker.on('settled', ({ outcome }) => said.push(outcome))
  worker.on('error', () => {})
  await worker.ready()
  const next = async () => {
    await began.promise
    began = Promise.withResolvers()
  }
  return { bus, jobs, worker, said, runs, next }
}

describeRedis.each(['list', 'stream'])('queues as %s', (queue) => {
  test('a restart voids what is held: it is lost, then comes again, charged to nobody', async () => {
    await using server = await startRedis({ profile: 'always' })
    const { jobs, worker, said, runs, next } = await working(server, queue)
    await jobs.publish(1)
    await next()
    await server.kill()
    await server.restart()
    await next()
    expect(said.filter((what) => what !== 'late')).toEqual(['run', 'lost disconnected', 'run'])
    expect(runs.map(({ crashes }) => crashes)).toEqual([0, 0])
    expect(runs[0]?.signal.aborted).toBe(true)
    const settled = new Promise<void>((resolve) => void worker.on('settled', () => resolve()))
    runs[1]?.end()
    await settled
    expect(said.at(-1)).toBe('settled')
    expect(await askRedis(server.url, queue === 'list' ? 'LLEN' : 'XLEN', 'jobs')).toBe(0)
  })

  test('a cut connection alone voids nothing', async () => {
    await using server = await startRedis()
    const { jobs, worker, said, runs, next } = await working(server, queue)
    await jobs.publish(1)
    await next()
    const cut = new Promise<void>((resolve) => void worker.on('ready', () => resolve()))
    await askRedis(server.url, 'CLIENT', 'KILL', 'TYPE', 'normal')
    await cut
    const settled = new Promise<void>((resolve) => void worker.on('settled', () => resolve()))
    runs[0]?.end()
    await settled
    expect(said).toEqual(['run', 'settled'])
    expect(runs[0]?.signal.aborted).toBe(false)
  })

  test('what the server has lost is not settled by who still holds it', async () => {
    await using server = await startRedis({ args: ['--save', ''] })
    const { jobs, said, runs, next } = await working(server, queue)
    await jobs.publish(1)
    await next()
    await server.kill()
    await server.restart() // empty: it has neither the message nor the take
    await jobs.publish(2)
    await next()
    expect(said.filter((what) => what !== 'late')).toEqual(['run', 'lost disconnected', 'run'])
    expect(runs[0]?.signal.aborted).toBe(true)
    runs[1]?.end()
  })
})
