import { sides } from './sides.ts'
import { nowMs, type Task } from './way.ts'

// A process that receives. Its task is its first argument. It sends `ready`, and `first` when the
// first message comes; whatever it is sent, it answers with the time that each message took.

const task = JSON.parse(process.argv[2] ?? '') as Task
const tookMs: number[] = []
const way = await sides[task.side]()
const consumer = await way.consumer(task)
let hasCome = false

process.on('message', () => {
  process.send?.(tookMs.splice(0))
})
process.on('disconnect', () => process.exit())
await consumer.start({
  message({ text }) {
    tookMs.push(nowMs() - Number(text))
    if (!hasCome) process.send?.('first')
    hasCome = true
  },
  settled: () => {},
})
process.send?.('ready')
