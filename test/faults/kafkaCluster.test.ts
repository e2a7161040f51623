import { expect } from 'vitest'
import { startKafkaCluster } from '../../src/lab/brokers/kafkaCluster.ts'
import { testKafka } from '../brokers/kafkaHere.ts'
import { underLoad } from './underLoad.ts'

testKafka(
  'nodes are killed one after another under load: what was stored is worked on, once, and nothing is unsure',
  async () => {
    await using cluster = await startKafkaCluster()
    const load = await underLoad(`${cluster.url}?replicas=3`)
    await load.goesOn()
    for (const node of cluster.nodes) {
      await node.kill()
      await load.goesOn()
      await node.restart()
      await load.goesOn()
    }
    const { stored, unsure, repeats } = await load.end()
    expect(stored).toBeGreaterThan(0)
    expect({ unsure, repeats }).toEqual({ unsure: 0, repeats: 0 })
  },
  600_000,
)
