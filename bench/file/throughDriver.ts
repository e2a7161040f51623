import { file } from '../../src/drivers/file/index.ts'
import { channel, count, idOf, messageOf, readerSpec, type Task } from './work.ts'

const never = new AbortController().signal

async function openSession(dir: string) {
  const driver = file({ dir })
  const closed = (error: Error) => {
    throw error
  }
  return driver.open({ closed }, never)
}

export async function produce({ dir, who, messages, batch, bodyBytes }: Task): Promise<void> {
  await using session = await openSession(dir)
  await using publisher = await session.publisher(channel, never)
  const body = JSON.stringify('x'.repeat(bodyBytes - 2))
  for (let n = 0; n < messages; n += batch) {
    const out = Array.from({ length: batch }, (_, i) => messageOf(idOf(who, n + i), body))
    const outcomes = await publisher.publish(out, never)
    const bad = outcomes.find(({ state }) => state !== 'stored')
    if (bad) throw new Error(JSON.stringify(bad))
  }
}

export async function consume(
  { dir, who, batch }: Task,
  seen: readonly Uint8Array[],
  progress: (messages: number) => void,
  over: AbortSignal,
): Promise<void> {
  await using session = await openSession(dir)
  await using source = await session.source(
    channel,
    readerSpec(`reader-${who}`),
    { lost: () => undefined },
    never,
  )
  while (!over.aborted) {
    const deliveries = await source.receive({ messages: batch, bytes: 1e7 }, over)
    if (deliveries.length === 0) continue
    for (const { message } of deliveries) count(seen, message.id)
    const acks = deliveries.map(({ token }) => ({ token, kind: 'ack' as const }))
    const outcomes = await source.settle(acks, never)
    if (outcomes.some((outcome) => outcome !== 'settled')) throw new Error('a settlement was late')
    progress(deliveries.length)
  }
}
