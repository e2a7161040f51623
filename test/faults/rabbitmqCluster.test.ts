import { expect } from 'vitest'
import { startRabbitmqCluster } from '../../src/lab/brokers/rabbitmqCluster.ts'
import type { RabbitmqServer } from '../../src/lab/brokers/rabbitmqServer.ts'
import { testRabbitmq } from '../brokers/rabbitmqHere.ts'
import { underLoad } from './underLoad.ts'

testRabbitmq(
  'nodes end one after another, then all at once: what was stored is worked on, and nobody is deaf',
  async () => {
    await using cluster = await startRabbitmqCluster()
    const load = await underLoad(cluster.url)
    await load.goesOn()
    const leader = async () => {
      const [asked] = cluster.nodes.filter(({ isRunning }) => isRunning) as [RabbitmqServer]
      const said = await asked.ctl('list_queues', 'name', 'leader')
      const name = /^jobs\t(\S+)/m.exec(said)?.[1]
      return cluster.nodes.find((node) => node.name === name) as RabbitmqServer
    }
    const first = await leader()
    const other = cluster.nodes.find((node) => node !== first) as RabbitmqServer

    await other.terminate()
    await load.goesOn()
    await other.restart()
    await cluster.ready()
    await load.goesOn()

    // Not every time does the death of a leader spoil a channel that publishes.
    for (let n = 0; n < 3; n++) {
      const leads = await leader()
      await leads.kill()
      await load.goesOn()
      expect(await leader()).not.toBe(leads)
      await leads.restart()
      await cluster.ready()
      await load.goesOn()
    }

    await Promise.all(cluster.nodes.map((node) => node.kill()))
    await Promise.all(cluster.nodes.map((node) => node.restart()))
    await cluster.ready()
    await load.goesOn()
    const { stored } = await load.end()
    expect(stored).toBeGreaterThan(0)
  },
  600_000,
)
