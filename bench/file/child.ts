import { monitorEventLoopDelay } from 'node:perf_hooks'
import { consumeRaw, produceRaw } from './raw.ts'
import { consumeByBus, produceByBus } from './throughBus.ts'
import { consume, produce } from './throughDriver.ts'
import { type Done, producersMax, type Task } from './work.ts'

const producers = { raw: produceRaw, driver: produce, bus: produceByBus }
const consumers = { raw: consumeRaw, driver: consume, bus: consumeByBus }

const over = new AbortController()

function send(message: unknown): Promise<void> {
  return new Promise((done) => process.send?.(message, undefined, undefined, () => done()))
}

async function run(task: Task): Promise<Done> {
  const seen = Array.from({ length: producersMax }, () => new Uint8Array(task.messages))
  const loop = monitorEventLoopDelay({ resolution: 1 })
  let pending = 0
  const progress = (messages: number) => {
    pending += messages
    if (pending < 2_000) return
    void send({ progress: pending })
    pending = 0
  }
  const tell = setInterval(() => {
    if (pending > 0) void send({ progress: pending })
    pending = 0
  }, 5)
  loop.enable()
  const startMs = performance.timeOrigin + performance.now()
  if (task.role === 'produce') await producers[task.way](task)
  else await consumers[task.way](task, seen, progress, over.signal)
  const endMs = performance.timeOrigin + performance.now()
  clearInterval(tell)
  loop.disable()
  return { startMs, endMs, blockedMs: loop.max / 1e6, seen }
}

process.on('message', (message: Task | 'over') => {
  if (message === 'over') return over.abort()
  run(message)
    .then(send)
    .then(() => process.disconnect())
    .catch((error: unknown) => {
      console.error(error)
      process.exit(1)
    })
})
void send('ready')
