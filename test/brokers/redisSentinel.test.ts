import { beforeEach, test } from 'vitest'
import { type RedisSentinel, startRedisSentinel } from '../../src/lab/brokers/redisSentinel.ts'
import { failsOver, losesWhatWasNotCopied } from './failover.ts'
import { describeRedis } from './redisHere.ts'

describeRedis('redis with sentinels', () => {
  let own: RedisSentinel
  beforeEach(async () => {
    own = await startRedisSentinel({ profile: 'always' })
    return () => own.stop()
  }, 60_000)

  test('consumption resumes on the new primary, and all that it acknowledged is handled', async () => {
    const { url } = own
    await failsOver(own.master, [
      { url, name: 'lists', pattern: 'queue' },
      { url: `${url}&queue=stream`, name: 'streams', pattern: 'queue' },
      { url, name: 'events', pattern: 'stream' },
      { url, name: 'news', pattern: 'broadcast' },
      { url, name: 'jobs', pattern: 'narrowcast' },
    ])
  }, 120_000)

  test('what the replica had not heard when its primary died is lost, as the contract says', async () => {
    await losesWhatWasNotCopied(own.master, own.servers[1], { url: own.url, name: 'lists' })
  }, 120_000)
})
