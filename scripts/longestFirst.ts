import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** What took longer than a minute, the longest first: begun last, one of them runs on alone. */
const longest = [
  'brokers/conformance',
  'faults/labGolden',
  'brokers/redisClusterStreams',
  'faults/labChaos',
  'brokers/kafka',
  'brokers/redisStream',
  'brokers/rabbitmq',
  'faults/labFaults',
  'e2e/cliSchemas',
  'brokers/redisClusterLive',
  'brokers/redisSlowNetwork',
  'faults/simulatorServers',
  'e2e/lab',
  'brokers/redisLive',
  'brokers/redisClusterLists',
  'brokers/redisSlicedNetwork',
  'brokers/rabbitmqServer',
  'faults/rabbitmqCluster',
  'brokers/redisList',
  'faults/relayKill',
  'faults/kafkaCluster',
  'brokers/rabbitmqLiveTrouble',
  'brokers/labTwin',
  'e2e/labMany',
  'faults/rabbitmqReconnects',
].map((name) => `/test/${name}.test.ts`)

/** These first; the others as they would be, by what they took the last time. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const placeOf = ({ moduleId }: TestSpecification) => {
      const place = longest.findIndex((name) => moduleId.endsWith(name))
      return place === -1 ? longest.length : place
    }
    return (await super.sort(files)).toSorted((one, other) => placeOf(one) - placeOf(other))
  }
}
