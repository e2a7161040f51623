import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Done, Task } from './work.ts'

export interface Flow {
  /** From the first start to the last end, or to the last message that was settled. */
  readonly perSecond: number
  readonly lost: number
  readonly duplicated: number
  readonly blockedMs: number
}

async function start(): Promise<ChildProcess> {
  const child = fork(join(import.meta.dirname, 'child.ts'), { serialization: 'advanced' })
  await once(child, 'message')
  return child
}

/** Runs producers and consumers as processes of their own until everything has come through. */
export async function flow(
  producers: readonly Task[],
  consumers: readonly Task[],
  messages: number,
): Promise<Flow> {
  const tasks = [...producers, ...consumers]
  const children = await Promise.all(tasks.map(start))
  let come = 0
  let settledMs = 0
  const done = children.map(
    (child) =>
      new Promise<Done>((resolve, reject) => {
        child.on('message', (message: { progress: number } | Done) => {
          if (!('progress' in message)) return resolve(message)
          come += message.progress
          settledMs = performance.timeOrigin + performance.now()
          if (come >= messages) for (const one of children.slice(producers.length)) one.send('over')
        })
        child.on('exit', (code) => reject(new Error(`a child ended with ${code}`)))
      }),
  )
  for (const [at, child] of children.entries()) child.send(tasks[at] as Task)
  try {
    const results = await Promise.all(done)
    const startMs = Math.min(...results.map((result) => result.startMs))
    const endMs = consumers.length > 0 ? settledMs : Math.max(...results.map((one) => one.endMs))
    const counts = consumers.length > 0 ? tally(results, messages, producers.length || 1) : none
    const blockedMs = Math.max(...results.map((result) => result.blockedMs))
    return { perSecond: (messages / (endMs - startMs)) * 1_000, blockedMs, ...counts }
  } finally {
    for (const child of children) child.kill('SIGKILL')
  }
}

const none = { lost: 0, duplicated: 0 }

function tally(results: readonly Done[], messages: number, producers: number) {
  let lost = 0
  let duplicated = 0
  for (let producer = 0; producer < producers; producer++) {
    for (let n = 0; n < messages / producers; n++) {
      const times = results.reduce((sum, { seen }) => sum + (seen[producer]?.[n] ?? 0), 0)
      if (times === 0) lost++
      if (times > 1) duplicated += times - 1
    }
  }
  return { lost, duplicated }
}
