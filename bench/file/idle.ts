import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { file } from '../../src/drivers/file/index.ts'
import { channel, idOf, messageOf } from './work.ts'

export interface Idle {
  /** From the call of `publish` to the delivery in the other process. */
  readonly latenciesMs: number[]
  /** Share of one core that the waiting process needs, in per cent. */
  readonly cpuPercent: number
}

const never = new AbortController().signal
/** Both processes read this clock, which runs since the machine was started. */
export const nowMs = () => Number(process.hrtime.bigint()) / 1e6

/** One process waits for messages, another sends one now and then; and then none for a while. */
export async function idle(dir: string, messages: number, idleMs: number): Promise<Idle> {
  const child = fork(join(import.meta.dirname, 'idleChild.ts'), [dir], {
    serialization: 'advanced',
  })
  try {
    await once(child, 'message')
    const session = await file({ dir }).open({ closed: () => undefined }, never)
    const publisher = await session.publisher(channel, never)
    for (let n = 0; n < messages; n++) {
      await wait(10 + Math.random() * 10)
      await publisher.publish([messageOf(idOf(0, n), JSON.stringify(nowMs()))], never)
    }
    await wait(100)
    child.send('latencies')
    const [latenciesMs] = (await once(child, 'message')) as [number[]]
    await wait(idleMs)
    child.send('cpu')
    const [cpuPercent] = (await once(child, 'message')) as [number]
    await publisher[Symbol.asyncDispose]()
    await session[Symbol.asyncDispose]()
    return { latenciesMs, cpuPercent }
  } finally {
    child.kill('SIGKILL')
  }
}
