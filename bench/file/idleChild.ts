import { file } from '../../src/drivers/file/index.ts'
import { nowMs } from './idle.ts'
import { channel, readerSpec } from './work.ts'

const never = new AbortController().signal
const session = await file({ dir: process.argv[2] ?? '' }).open({ closed: () => undefined }, never)
const source = await session.source(channel, readerSpec('idle'), { lost: () => undefined }, never)
const latenciesMs: number[] = []
let from = { cpu: process.cpuUsage(), ms: nowMs() }

process.on('message', (ask) => {
  if (ask === 'latencies') {
    process.send?.(latenciesMs)
    from = { cpu: process.cpuUsage(), ms: nowMs() }
    return
  }
  const used = process.cpuUsage(from.cpu)
  process.send?.(((used.user + used.system) / 1_000 / (nowMs() - from.ms)) * 100)
})
process.send?.('ready')

for (;;) {
  const deliveries = await source.receive({ messages: 10, bytes: 1e6 }, never)
  const atMs = nowMs()
  for (const { message } of deliveries) latenciesMs.push(atMs - Number(message.body))
  await source.settle(
    deliveries.map(({ token }) => ({ token, kind: 'ack' as const })),
    never,
  )
}
