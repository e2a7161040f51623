import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { expect } from 'vitest'
import { type Bus, connect } from '../../src/index.ts'

const deliveriesMax = 3
const queues = ['poisoned', 'innocent'].map((name) => ({ name, pattern: 'queue' as const }))

/** Starts a worker again whenever it was killed, until the poison is dead and all else is worked off. */
async function outlived(url: string, bus: Bus): Promise<number> {
  let deaths = 0
  const over = workedOff(bus)
  over.catch(() => {}) // told by the race, or the test is over
  for (; ; deaths++) {
    const args = [url, '30000', String(deliveriesMax)]
    const worker = fork(join(import.meta.dirname, 'poisonWorker.ts'), args)
    try {
      const how = await Promise.race([once(worker, 'exit'), over])
      if (how !== 'over') {
        expect(how[1]).toBe('SIGKILL')
        continue
      }
      worker.kill('SIGTERM')
      await once(worker, 'exit')
      return deaths
    } finally {
      worker.kill('SIGKILL')
    }
  }
}

async function workedOff(bus: Bus): Promise<'over'> {
  for (;;) {
    const depths = await bus.admin.depths(queues)
    const left = depths.map((depth) => Number(depth?.waiting) + Number(depth?.scheduled))
    if (depths[0]?.dead === 1 && left.every((count) => count === 0)) return 'over'
    await wait(100)
  }
}

/** A message that kills each worker, beside others: it ends among the dead, and nobody else does. */
export async function poisonRun(url: string, poison: string): Promise<void> {
  await using bus = await connect(url)
  const beside = Array.from({ length: 10 }, () => ({ data: 'short' }))
  await bus.queue<string>('poisoned').publish(poison)
  await bus.queue<string>('poisoned').publishMany(beside)
  await bus.queue<string>('innocent').publish('long')
  await bus.queue<string>('innocent').publishMany(beside)
  const deaths = await outlived(url, bus)
  expect(await bus.admin.depths(queues)).toMatchObject([{ dead: 1 }, { dead: 0 }])
  const query = { cursor: null, limit: 10, newestFirst: false }
  const [poisoned] = queues as [(typeof queues)[0]]
  const { items } = await bus.admin.deadLetters(poisoned, null, query)
  expect(items).toMatchObject([
    { letter: { cause: 'crashes', crashes: deliveriesMax }, message: { body: `"${poison}"` } },
  ])
  expect(deaths).toBe(deliveriesMax)
}
