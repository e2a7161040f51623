import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Reading, Storm, Task } from './child.ts'

/** How far the publisher may be ahead of the worker: what waits lies on the disk. */
const aheadMax = 200_000

export interface Curves {
  readonly publish: readonly Reading[]
  readonly work: readonly Reading[]
}

function start(task: Task): ChildProcess {
  const child = fork(join(import.meta.dirname, 'child.ts'))
  child.send(task)
  return child
}

function exited(child: ChildProcess, role: string): Promise<void> {
  return once(child, 'exit').then(([code]) => {
    if (code !== 0) throw new Error(`the process that was to ${role} ended with ${code}`)
  })
}

/** Lets all messages pass through a publisher and a worker, and notes what memory both take. */
export async function pass(
  task: Omit<Task, 'role'>,
  report: (settled: number) => void,
): Promise<Curves> {
  const curves: Record<'publish' | 'work', Reading[]> = { publish: [], work: [] }
  const publisher = start({ ...task, role: 'publish' })
  const worker = start({ ...task, role: 'work' })
  publisher.send({ mayPublish: aheadMax })
  const note = (role: 'publish' | 'work', reading: Reading | { done: true }) => {
    if (!('rssMb' in reading)) return
    curves[role].push(reading)
    if (role === 'publish') return
    report(reading.count)
    if (publisher.connected) publisher.send({ mayPublish: reading.count + aheadMax })
  }
  publisher.on('message', (reading: Reading) => note('publish', reading))
  worker.on('message', (reading: Reading) => note('work', reading))
  try {
    await Promise.all([exited(publisher, 'publish'), exited(worker, 'work')])
  } finally {
    publisher.kill('SIGKILL')
    worker.kill('SIGKILL')
  }
  return curves
}

/** A publisher goes on at full speed while somebody else keeps the store's lock. */
export async function stall(task: Omit<Task, 'role'>): Promise<Storm> {
  const child = start({ ...task, role: 'storm' })
  const next = async () => (await once(child, 'message'))[0] as Reading & { storm?: Storm }
  const ended = exited(child, 'publish in vain')
  try {
    await next()
    const db = new DatabaseSync(join(task.dir, 'store.db'))
    db.exec('BEGIN IMMEDIATE')
    child.send('locked')
    let storm: Storm | undefined
    while (!storm) storm = (await next()).storm
    db.exec('ROLLBACK')
    db.close()
    child.send('free')
    await ended
    return storm
  } finally {
    child.kill('SIGKILL')
  }
}
