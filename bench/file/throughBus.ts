import { connect, NarrowcastError } from '../../src/index.ts'
import { channel, count, idOf, type Task } from './work.ts'

/** What a user writes to publish much. */
export async function produceByBus(task: Task): Promise<void> {
  const { dir, who, messages, batch, bodyBytes } = task
  await using bus = await connect(`file:${dir}`)
  const queue = bus.queue<string>(channel.name, { inFlightMax: batch * 4 })
  const data = 'x'.repeat(bodyBytes - 2)
  for (let n = 0; n < messages; n += batch) {
    const items = Array.from({ length: batch }, (_, i) => ({
      data,
      options: { id: idOf(who, n + i) },
    }))
    for (const answer of await queue.publishMany(items)) {
      if (answer instanceof NarrowcastError) throw answer
    }
  }
}

/** A batch handler that does nothing but count. */
export async function consumeByBus(
  { dir, batch }: Task,
  seen: readonly Uint8Array[],
  progress: (messages: number) => void,
  over: AbortSignal,
): Promise<void> {
  await using bus = await connect(`file:${dir}`)
  const queue = bus.queue<string>(channel.name)
  const worker = queue.subscribe(
    async (deliveries) => {
      for (const { message } of deliveries) count(seen, message.id)
    },
    { batch: { size: batch, waitMsMax: 0 } },
  )
  worker.on('settled', () => progress(1))
  await new Promise((done) => over.addEventListener('abort', done))
  await worker.drain()
}
