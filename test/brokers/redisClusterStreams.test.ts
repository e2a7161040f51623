import { keepsPromises } from './promises.ts'
import { describeRedis } from './redisHere.ts'
import { onCluster } from './redisOnCluster.ts'

describeRedis('redis, its cluster and streams:', () => {
  keepsPromises(onCluster('streams', 'stream'), ['queue', 'stream'])
})
