import { pump } from './pump.ts'
import { sides } from './sides.ts'
import { Tally } from './tally.ts'
import { type Consumer, nowMs, type Producer, type Task } from './way.ts'

/** What a process is asked to do next. */
export type Ask =
  | { readonly open: 'producer' | 'consumer' | 'between'; readonly task: Task }
  | 'publish'
  | 'start'
  | 'drain'
  | 'close'

let task: Task
let producer: Producer
let consumer: Consumer
let between: AsyncDisposable
let tally: Tally

async function open(role: 'producer' | 'consumer' | 'between'): Promise<void> {
  const way = await sides[task.side]()
  if (role === 'producer') producer = await way.producer(task)
  else if (role === 'consumer') {
    consumer = await way.consumer(task)
    tally = new Tally(task.messages)
  } else if (way.between) between = await way.between(task)
}

async function publish() {
  const startMs = nowMs()
  await pump(producer, task)
  const endMs = nowMs()
  await producer[Symbol.asyncDispose]()
  return { startMs, endMs }
}

async function answer(ask: Ask): Promise<unknown> {
  if (typeof ask === 'object') {
    task = ask.task
    return open(ask.open)
  }
  if (ask === 'publish') return publish()
  if (ask === 'start') return tally.start(consumer)
  if (ask === 'drain') return tally.drained(consumer)
  return between[Symbol.asyncDispose]()
}

process.on('message', (ask: Ask) => {
  answer(ask).then(
    (said) => process.send?.(said ?? null),
    (error: unknown) => {
      console.error(error)
      process.exit(1)
    },
  )
})
process.on('disconnect', () => process.exit())
