import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { expect } from 'vitest'
import { connect } from '../../src/index.ts'
import { startRabbitmq } from '../../src/lab/brokers/rabbitmq.ts'
import { testRabbitmq } from '../brokers/rabbitmqHere.ts'

const deliveriesMax = 3
const queues = ['poisoned', 'innocent'].map((name) => ({ name, pattern: 'queue' as const }))

testRabbitmq(
  'a message that kills each worker ends among the dead, and buries nobody beside it',
  async () => {
    await using server = await startRabbitmq()
    let worker: ChildProcess | null = null
    try {
      await using bus = await connect(server.url)
      await bus.queue<string>('poisoned').publish('poison')
      await bus.queue<string>('poisoned').publish('beside it')
      await bus.queue<string>('innocent').publish('beside it too')
      const buried = async () => {
        for (;;) {
          const [poisoned] = await bus.admin.depths(queues)
          if (poisoned?.dead === 1) return 'over' as const
          await wait(100)
        }
      }
      let deaths = 0
      const isOver = buried()
      for (;;) {
        worker = fork(join(import.meta.dirname, 'poisonWorker.ts'), [
          ...[server.url, '30000', String(deliveriesMax)],
        ])
        const how = await Promise.race([once(worker, 'exit'), isOver])
        if (how === 'over') break
        expect(how[1]).toBe('SIGKILL')
        deaths++
      }
      await expect
        .poll(() => bus.admin.depths(queues))
        .toMatchObject([
          { waiting: 0, scheduled: 0, dead: 1 },
          { waiting: 0, scheduled: 0, dead: 0 },
        ])
      worker.kill('SIGTERM')
      await once(worker, 'exit')
      const query = { cursor: null, limit: 10, newestFirst: false }
      const [poisoned] = queues as [(typeof queues)[0]]
      const { items } = await bus.admin.deadLetters(poisoned, null, query)
      expect(items).toMatchObject([
        { letter: { cause: 'crashes', crashes: deliveriesMax }, message: { body: '"poison"' } },
      ])
      expect(deaths).toBe(deliveriesMax)
    } finally {
      worker?.kill('SIGKILL')
    }
  },
  180_000,
)
