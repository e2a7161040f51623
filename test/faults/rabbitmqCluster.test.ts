import { expect, onTestFinished } from 'vitest'
import { connect } from '../../src/connect.ts'
import { startRabbitmqCluster } from '../../src/lab/brokers/rabbitmqCluster.ts'
import type { RabbitmqServer } from '../../src/lab/brokers/rabbitmqServer.ts'
import { testRabbitmq } from '../brokers/rabbitmqHere.ts'

/** One publishes without a pause, two work; all are given every node. */
async function underLoad(url: string) {
  const open = async () => {
    const bus = await connect(url)
    onTestFinished(() => bus.close({ timeoutMs: 5_000 }), 30_000)
    return bus
  }
  const stored = new Set<number>()
  const unsure = new Set<number>()
  const seen = new Set<number>()
  for (let n = 0; n < 2; n++) {
    const worker = (await open())
      .queue<number>('jobs')
      .subscribe((n) => void seen.add(n), { concurrency: 20 })
    worker.on('error', () => {})
    await worker.ready()
  }
  const jobs = (await open()).queue<number>('jobs', { publish: { timeoutMs: 120_000 } })
  let published = 0
  let isOver = false
  const publishing = (async () => {
    while (!isOver) {
      const from = published
      published += 20
      const batch = Array.from({ length: 20 }, (_, at) => ({ data: from + at }))
      for (const [at, answer] of (await jobs.publishMany(batch)).entries()) {
        if (!(answer instanceof Error)) stored.add(from + at)
        else if (answer.definite) throw answer
        else unsure.add(from + at)
      }
    }
  })()
  publishing.catch(() => {}) // told at the end
  return {
    /** Until what is published from now on is stored and worked on. */
    async goesOn() {
      const from = published
      const isNew = (all: ReadonlySet<number>) => [...all].some((n) => n > from + 40)
      const both = () => ({ stored: isNew(stored), seen: isNew(seen) })
      await expect.poll(both, { timeout: 90_000 }).toEqual({ stored: true, seen: true })
    },
    async end() {
      isOver = true
      await publishing
      const lost = () => [...stored].filter((n) => !seen.has(n))
      await expect.poll(lost, { timeout: 90_000 }).toEqual([])
      return { stored: stored.size }
    },
  }
}

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
