import { randomInt } from 'node:crypto'
import { NotStarted } from './ownProcess.ts'

/**
 * Below the ports that systems hand out by themselves, 10,000 higher included, where a Redis of a
 * cluster listens too: nobody is given ours while a server restarts.
 */
const ports = { min: 11_000, max: 22_000 }

const triesMax = 20

/** Nobody can hold a port for a program: it is tried, and another one where it was taken. */
export async function onFreePort<T>(
  start: (port: number) => Promise<T>,
  pick = () => randomInt(ports.min, ports.max),
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await start(pick())
    } catch (error) {
      const isTaken = error instanceof NotStarted && /address already in use/i.test(error.output)
      if (!isTaken || tries === triesMax) throw error
    }
  }
}
