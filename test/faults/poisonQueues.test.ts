import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Bus } from '../../src/index.ts'
import { connect } from '../../src/index.ts'

/** Only who is dead is to stand still for so long. */
const leaseMs = 4_000
const deliveriesMax = 3
const queues = ['poisoned', 'innocent'].map((name) => ({ name, pattern: 'queue' as const }))

test('a message that kills its workers buries nobody in another queue of the process', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'narrowcast-poison-'))
  const url = `file:${join(dir, 'store')}`
  let worker: ChildProcess | null = null
  try {
    await using bus = await connect(url)
    await bus.queue<string>('poisoned').publish('poison')
    await bus.queue<string>('poisoned').publish('beside it')
    await bus.queue<string>('innocent').publish('beside it too')
    let deaths = 0
    const isOver = workedOff(bus, 3).then(() => 'over' as const)
    for (;;) {
      worker = fork(join(import.meta.dirname, 'poisonWorker.ts'), [
        ...[url, String(leaseMs), String(deliveriesMax)],
      ])
      const how = await Promise.race([once(worker, 'exit'), isOver])
      if (how === 'over') break
      expect(how[1]).toBe('SIGKILL')
      deaths++
    }
    worker.kill('SIGTERM')
    await once(worker, 'exit')
    const [poisoned, innocent] = await bus.admin.depths(queues)
    expect(poisoned).toMatchObject({ out: 1, dead: 1 })
    expect(innocent).toMatchObject({ out: 1, dead: 0 })
    expect(deaths).toBe(deliveriesMax)
  } finally {
    worker?.kill('SIGKILL')
    await rm(dir, { recursive: true })
  }
})

async function workedOff(bus: Bus, messages: number): Promise<void> {
  for (;;) {
    const depths = await bus.admin.depths(queues)
    const ended = depths.map((depth) => Number(depth?.out) + Number(depth?.dead))
    if (ended.reduce((sum, one) => sum + one, 0) >= messages) return
    await wait(50)
  }
}
