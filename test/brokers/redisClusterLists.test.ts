import { keepsPromises } from './promises.ts'
import { describeRedis } from './redisHere.ts'
import { onCluster } from './redisOnCluster.ts'

describeRedis('redis, its cluster and lists:', () => {
  keepsPromises(onCluster('lists', 'list'), ['queue'])
})
