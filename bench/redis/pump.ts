import { type Data, firstNumber, type Producer, type Task, textOf } from './way.ts'

/** Publishes all messages of a task, `inFlight` calls at once; resolves when all are answered. */
export async function pump(producer: Producer, task: Task): Promise<void> {
  const { messages, batch, inFlight } = task
  const text = textOf(task.bodyBytes)
  let next = 0
  const take = (): Data => ({ n: firstNumber + next++, text })
  const caller = async (): Promise<void> => {
    while (next < messages) {
      if (batch === 1) await producer.one(take())
      else await producer.many(Array.from({ length: Math.min(batch, messages - next) }, take))
    }
  }
  await Promise.all(Array.from({ length: inFlight }, caller))
}
