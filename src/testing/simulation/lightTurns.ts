export interface LightTurns extends Disposable {
  /** Resolves when every promise has settled as far as it can and nobody waits for a turn. */
  quiet(): Promise<void>
}

/** Turns in a row without any time between them: by then something turns for ever. */
const turnsMax = 10_000

/**
 * Turns of the event loop for a process in which nothing waits for input or output: `setImmediate`
 * is called back once all promises are done, without a round through the poll of the loop. Whoever
 * moves the clock then knows that everything rests, and need not wait a few turns and hope.
 */
export function lightTurns(): LightTurns {
  const waiting: (() => void)[] = []
  const { setImmediate } = globalThis
  Object.assign(globalThis, { setImmediate: (call: () => void) => waiting.push(call) })
  return {
    async quiet() {
      await Promise.resolve() // a tick asked for by no promise would come before all of them
      for (let turns = 0; turns < turnsMax; turns++) {
        await new Promise<void>((resolve) => process.nextTick(resolve)) // after all promises
        if (waiting.length === 0) return
        for (const call of waiting.splice(0)) call()
      }
      waiting.length = 0
      throw new Error(`simulation: no rest after ${turnsMax} turns`)
    },
    [Symbol.dispose]: () => void Object.assign(globalThis, { setImmediate }),
  }
}
