import { startRabbitmq } from '../../src/lab/brokers/rabbitmq.ts'
import { testRabbitmq } from '../brokers/rabbitmqHere.ts'
import { poisonRun } from './poisonRun.ts'

testRabbitmq.for(['poison', 'poison at once'])(
  'a message that kills each worker ends among the dead, and buries nobody beside it: %s',
  { timeout: 180_000 },
  async (poison) => {
    await using server = await startRabbitmq()
    await poisonRun(server.url, poison)
  },
)
