import { setTimeout as sleep } from 'node:timers/promises'

const everyMs = 20
const withinMs = 30_000

/**
 * Asks again until the answer is neither null nor an error: servers that find each other tell
 * nobody when they have.
 */
export async function until<T>(what: string, ask: () => Promise<T | null>): Promise<T> {
  const deadline = performance.now() + withinMs
  for (;;) {
    let cause: unknown
    try {
      const answer = await ask()
      if (answer !== null) return answer
    } catch (error) {
      cause = error
    }
    if (performance.now() > deadline) {
      throw new Error(`not within ${withinMs} ms: ${what}`, { cause })
    }
    await sleep(everyMs)
  }
}
