import { startKafka } from '../../src/lab/brokers/kafka.ts'
import { testKafka } from '../brokers/kafkaHere.ts'
import { poisonRun } from './poisonRun.ts'

testKafka.for(['poison', 'poison at once'])(
  'a message that kills each worker ends among the dead, and buries nobody beside it: %s',
  { timeout: 180_000 },
  async (poison) => {
    await using server = await startKafka()
    await poisonRun(`${server.url}?partitions=1&session=2s`, poison)
  },
)
