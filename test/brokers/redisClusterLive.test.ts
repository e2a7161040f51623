import { keepsLivePromises } from './promises.ts'
import { describeRedis } from './redisHere.ts'
import { onCluster } from './redisOnCluster.ts'

describeRedis('redis, its cluster and pub/sub:', () => {
  keepsLivePromises(onCluster('pub/sub', 'list'))
})
