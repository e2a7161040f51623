import { expect } from 'vitest'
import { connect } from '../../src/connect.ts'
import { startRabbitmq } from '../../src/lab/brokers/rabbitmq.ts'
import { withChannel } from './rabbitmqClient.ts'
import { testRabbitmq } from './rabbitmqHere.ts'

testRabbitmq(
  'a queue that is too busy to be counted is not taken for empty',
  async () => {
    await using server = await startRabbitmq()
    await using bus = await connect(server.url)
    const jobs = bus.queue<number>('jobs')
    await jobs.publishMany([{ data: 1 }, { data: 2 }, { data: 3 }])
    const waiting = async () => (await bus.admin.depths([jobs]))[0]?.waiting
    expect(await waiting()).toBe(3)
    const leader = "Leader = whereis('%2F_jobs'), erlang:suspend_process(Leader)"
    const busy = server.ctl('eval', `${leader}, timer:sleep(1100), erlang:resume_process(Leader).`)
    const found = await withChannel(server.url, async (channel) => {
      while ((await channel.checkQueue('jobs')).messageCount > 0); // what the broker says while it is
      return await waiting()
    })
    expect(found).toBe(3)
    await busy
  },
  60_000,
)
