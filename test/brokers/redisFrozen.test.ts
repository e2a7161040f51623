import { setTimeout as wait } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { redis } from '../../src/drivers/redis/index.ts'
import { connect } from '../../src/index.ts'
import { startRedis } from '../../src/lab/brokers/redis.ts'
import { declare, openReader } from '../../src/testing/conformance/steps.ts'
import { createWorld } from '../../src/testing/conformance/world.ts'
import { describeRedis } from './redisHere.ts'

async function server() {
  const started = await startRedis()
  onTestFinished(() => started.stop())
  return started
}

describeRedis('a redis that is frozen for less than it takes to count as lost', () => {
  test('costs nobody a publish, though telemetry had no answer', async () => {
    const { url, pid } = await server()
    await using bus = await connect(url)
    const jobs = bus.queue<number>('jobs')
    jobs.subscribe(() => undefined)
    const published: Promise<unknown>[] = []
    const publish = async () => {
      published.push(jobs.publish(published.length))
      published.at(-1)?.catch(() => undefined) // told below
      await wait(20)
    }
    const view = await bus.telemetry.watch()
    await publish()
    await expect.poll(() => view.publishers.length).toBeGreaterThan(0) // it has begun to tell
    await publish()
    process.kill(pid, 'SIGSTOP')
    const untilMs = performance.now() + 2_600 // what telemetry told has had its second then
    while (performance.now() < untilMs) await publish()
    process.kill(pid, 'SIGCONT')
    const fates = await Promise.allSettled(published)
    expect(fates.filter(({ status }) => status === 'rejected')).toEqual([])
  })

  test('lets a bus close in the time that it was given', async () => {
    const { url, pid } = await server()
    const bus = await connect(url)
    const jobs = bus.queue<number>('jobs')
    await jobs.publishMany(Array.from({ length: 1_000 }, (_, data) => ({ data })))
    const begun = Promise.withResolvers<void>()
    jobs.subscribe(() => begun.resolve())
    await begun.promise
    process.kill(pid, 'SIGSTOP')
    const late = wait(8_000, 'as late as it counts as lost', { ref: false })
    expect(await Promise.race([bus.close({ timeoutMs: 500 }), late])).toBeUndefined()
    process.kill(pid, 'SIGCONT')
  })

  test.for([
    ['a queue on a list', 'queue', 'list'],
    ['a queue on a stream', 'queue', 'stream'],
    ['a stream', 'stream', 'list'],
  ] as const)('holds up no reader of %s that leaves', async ([, pattern, queues], { signal }) => {
    const { url, pid } = await server()
    let isLost = false
    const driver = redis({ url, queue: queues })
    await using world = await createWorld({ driver, pattern, signal })
    const session = await driver.open({ closed: () => (isLost = true) }, signal)
    const opened = await openReader(world, await declare(world), { session })
    process.kill(pid, 'SIGSTOP')
    const received = expect(
      opened.source.receive({ messages: 1, bytes: 1_000 }, signal),
    ).resolves.toEqual([])
    const stopping = opened.source.stop(AbortSignal.timeout(1))
    await expect(stopping).rejects.toMatchObject({ code: 'ABORTED' })
    await opened.source[Symbol.asyncDispose]()
    expect(isLost).toBe(false)
    process.kill(pid, 'SIGCONT')
    await received
    await session[Symbol.asyncDispose]()
  })
})
