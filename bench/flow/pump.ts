import { type Data, firstNumber, type Producer, type Task, textOf } from './way.ts'

/** How many messages may still be sent before some of those under way are settled. */
export class Window {
  #left: number
  #wake: () => void = () => {}

  /** 0: as many as you like. */
  constructor(messages: number) {
    this.#left = messages === 0 ? Number.POSITIVE_INFINITY : messages
  }

  async take(messages: number): Promise<void> {
    while (this.#left < messages) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    this.#left -= messages
  }

  give(messages: number): void {
    this.#left += messages
    this.#wake()
  }
}

/** Publishes all messages of a task, `inFlight` calls at once; resolves when all are answered. */
export async function pump(producer: Producer, task: Task, window: Window): Promise<void> {
  const { messages, batch, inFlight } = task
  const text = textOf(task.bodyBytes)
  let next = 0
  let taking = Promise.resolve()
  const take = (): Data => ({ n: firstNumber + next++, text })
  const caller = async (): Promise<void> => {
    while (next < messages) {
      taking = taking.then(() => window.take(batch))
      await taking
      const count = Math.min(batch, messages - next)
      if (count <= 0) break
      if (batch === 1) await producer.one(take())
      else await producer.many(Array.from({ length: count }, take))
    }
  }
  await Promise.all(Array.from({ length: inFlight }, caller))
}
