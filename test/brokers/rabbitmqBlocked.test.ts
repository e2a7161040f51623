import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from 'vitest'
import { connect } from '../../src/connect.ts'
import { startRabbitmq } from '../../src/lab/brokers/rabbitmq.ts'
import type { RabbitmqServer } from '../../src/lab/brokers/rabbitmqServer.ts'
import { cliWorld } from '../e2e/cliRun.ts'
import { describeRabbitmq } from './rabbitmqHere.ts'

describeRabbitmq('a rabbitmq that is short of memory', () => {
  let server: RabbitmqServer
  beforeAll(async () => {
    server = await startRabbitmq()
  }, 60_000)
  afterAll(() => server?.stop())
  afterEach(() => unblock())

  /** From now on it reads nothing more of who publishes, and says so to who does. */
  const block = () => server.ctl('set_vm_memory_high_watermark', '0.000001')
  const unblock = () => server.ctl('set_vm_memory_high_watermark', '0.8')

  async function open() {
    const bus = await connect(server.url)
    onTestFinished(() => bus.close({ timeoutMs: 1_000 }))
    return bus
  }

  test('holds up who publishes and nobody else, and takes all of it afterwards', async () => {
    const bus = await open()
    const jobs = bus.queue<number>('held')
    const batch = (from: number) => Array.from({ length: 100 }, (_, n) => ({ data: from + n }))
    await jobs.publishMany(batch(0))
    await block()
    const held = jobs.publishMany(batch(100))
    await expect
      .poll(() => bus.health().refusals)
      .toMatchObject([
        {
          channel: 'held',
          pattern: 'queue',
          why: expect.stringContaining('holds publishers back'),
        },
      ])
    expect(bus.health()).toMatchObject({ isReady: true, trouble: null })
    const got: number[] = []
    // A retry is a copy, and is held up; the others are acknowledged all the same.
    const worker = (await open()).queue<number>('held').subscribe((n) => {
      got.push(n)
      if (n === 5 && got.filter((one) => one === n).length === 1) throw new Error('not yet')
    })
    const errors: string[] = []
    worker.on('error', ({ error }) => errors.push(error.message))
    await expect.poll(() => got.length).toBeGreaterThanOrEqual(100)
    const left = async () =>
      /^held\t(\d+)/m.exec(await server.ctl('list_queues', 'name', 'messages'))
    await expect.poll(async () => Number((await left())?.[1])).toBeLessThanOrEqual(1)
    expect(errors.join()).toContain('holds publishers back')
    await unblock()
    for (const answer of await held) expect(answer).not.toBeInstanceOf(Error)
    expect(bus.health().refusals).toEqual([])
    await expect.poll(() => got.length).toBe(201)
    expect(new Set(got).size).toBe(200)
    await worker.drain()
    expect(got.length).toBe(201)
  })

  test('is named in the error of who waited in vain, with what may have been stored', async () => {
    const bus = await open()
    const jobs = bus.queue<number>('vain', { publish: { timeoutMs: 1_500 } })
    await jobs.publish(0)
    await block()
    // The broker says nothing until something is published.
    const fates = await Promise.allSettled([jobs.publish(1), jobs.publish(2)])
    fates.push(...(await Promise.allSettled([jobs.publish(3)])))
    expect(fates).toMatchObject(
      [false, false, true].map((definite) => ({
        status: 'rejected',
        reason: {
          ...{ code: 'UNAVAILABLE', definite },
          message: expect.stringContaining('holds publishers back: low on memory'),
          hint: expect.stringContaining('rabbitmqctl status'),
        },
      })),
    )
  })

  test('lets a bus close in the time that it was given', async () => {
    const bus = await connect(server.url)
    const jobs = bus.queue<number>('closed')
    await jobs.publishMany(Array.from({ length: 10 }, (_, data) => ({ data })))
    const begun = Promise.withResolvers<void>()
    jobs.subscribe(() => {
      begun.resolve()
      return new Promise(() => {})
    })
    await begun.promise
    await block()
    const held = jobs.publish(11)
    held.catch(() => {}) // told below
    await expect.poll(() => bus.health().refusals).toHaveLength(1)
    const sinceMs = performance.now()
    await bus.close({ timeoutMs: 500 })
    expect(performance.now() - sinceMs).toBeLessThan(6_000)
    await expect(held).rejects.toMatchObject({ code: 'UNAVAILABLE', definite: false })
  })

  test('is told of by the command that publishes', async () => {
    using world = cliWorld()
    const publish = ['publish', 'told', '1', '-u', server.url]
    await block()
    const run = world.start(publish)
    await run.shows('refused for now')
    await unblock()
    const { code, stdout, stderr } = await run.ended
    expect([code, stdout]).toEqual([0, expect.stringContaining('published told')])
    expect(stderr).toMatch(
      /refused for now: .*holds publishers back: low on memory; goes on trying/,
    )
  })
})
