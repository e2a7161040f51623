import { beforeAll, beforeEach, expect, test } from 'vitest'
import { startKafka } from '../../src/lab/brokers/kafka.ts'
import type { KafkaServer } from '../../src/lab/brokers/kafkaServer.ts'
import { cliWorld, type World } from '../e2e/cliRun.ts'
import { problemsOf } from '../e2e/cliSchema.ts'
import { describeKafka } from './kafkaHere.ts'

describeKafka('the command line on a Kafka', { timeout: 60_000 }, () => {
  let server: KafkaServer
  let world: World
  beforeAll(async () => {
    server = await startKafka()
    return () => server.stop()
  }, 120_000)
  beforeEach(() => {
    world = cliWorld()
    return () => world[Symbol.dispose]()
  })

  const run = async (...args: string[]) =>
    await world.run([...args, '-u', `${server.url}?partitions=2`])

  test('looks at a queue by offsets, works it off, and removes it', async () => {
    for (const n of [1, 2]) {
      expect(await run('publish', 'orders', `{"n":${n}}`, '--key', 'k')).toMatchObject({ code: 0 })
    }
    const shown = await run('messages', 'ls', 'orders', '--json')
    expect([shown.code, problemsOf(JSON.parse(shown.stdout))]).toEqual([0, []])
    expect(JSON.parse(shown.stdout).items).toMatchObject([
      { key: 'k', state: 'waiting', data: { n: 2 } },
      { key: 'k', state: 'waiting', data: { n: 1 } },
    ])
    const work = await run('work', 'orders', '--exec', 'cat', '--until', 'end')
    expect(work).toMatchObject({ code: 0, stdout: '{"n":1}\n{"n":2}\n' })
    const after = await run('messages', 'ls', 'orders', '--json')
    expect(JSON.parse(after.stdout).items).toEqual([])
    const gone = await run('channels', 'rm', 'orders', '--confirm', 'orders')
    expect([gone.code, gone.stdout]).toEqual([0, 'removed orders\n'])
  })

  test('tells how far a group of a stream is in each partition', async () => {
    const sent = await run('publish', 'events', '1', '--pattern', 'stream', '--key', 'x')
    expect(sent.code).toBe(0)
    await run('work', 'events', '--group', 'mail', '--exec', 'cat', '--until', 'end')
    const { code, stdout } = await run('groups', 'show', 'events', 'mail')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^partition [01] {2}lag 0 {2}at [01]-1$/m)
    expect(stdout).toMatch(/^partition [01] {2}lag 0 {2}at [01]-0$/m)
    const told = JSON.parse((await run('groups', 'show', 'events', 'mail', '--json')).stdout)
    expect(problemsOf(told)).toEqual([])
    expect(told.partitions).toHaveLength(2)
    const tail = await run('tail', 'events', '--from', 'first', '--until', 'end')
    expect([tail.code, tail.stdout]).toEqual([0, expect.stringMatching(/attempt 1 {2}1$/m)])
  })

  test('refuses what no topic can do, and says what to take for it', async () => {
    const narrow = await run('publish', 'jobs', '1', '--pattern', 'narrowcast')
    expect([narrow.code, narrow.stderr]).toEqual([6, expect.stringContaining('queue')])
    expect((await run('relay', 'jobs')).code).toBe(6)
  })
})
