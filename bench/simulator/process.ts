import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

export interface Body {
  /** What it said first. */
  readonly ready: unknown
  ask(question: string): Promise<unknown>
  stop(): Promise<void>
}

/** Starts a body of this folder as a process; its first message says that it is ready. */
export async function start(body: string, argument: unknown): Promise<Body> {
  const child = fork(join(import.meta.dirname, body), [JSON.stringify(argument)], { execArgv: [] })
  const [ready] = (await once(child, 'message')) as [unknown]
  return {
    ready,
    async ask(question) {
      child.send(question)
      const [answer] = (await once(child, 'message')) as [unknown]
      return answer
    },
    async stop() {
      const gone = once(child, 'exit')
      child.disconnect()
      await gone
    },
  }
}

/** Shares `count` bots out among processes: the numbers of those in each. */
export function shares(count: number, processes: number): number[][] {
  return Array.from({ length: processes }, (_, process) =>
    Array.from({ length: count }, (_, bot) => bot).filter((bot) => bot % processes === process),
  )
}

/** User and system time of this process since `earlier`. */
export function cpuMsSince(earlier: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(earlier)
  return (user + system) / 1_000
}
