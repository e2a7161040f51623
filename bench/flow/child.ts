import type { Progress } from './hand.ts'
import { pump, Window } from './pump.ts'
import { sides } from './sides.ts'
import { Tally } from './tally.ts'
import { type Consumer, nowMs, type Producer, type Task } from './way.ts'

/** What a process is asked to do next. */
export type Ask =
  | { readonly open: 'producer' | 'consumer' | 'between'; readonly task: Task }
  /** So many messages were settled by the consumer: nothing is answered. */
  | Progress
  | 'publish'
  | 'start'
  | 'drain'
  | 'close'

let task: Task
let producer: Producer
let consumer: Consumer
let between: AsyncDisposable
let tally: Tally
let window: Window

/** How often a consumer tells how far it is. */
const progressMs = 1

async function open(role: 'producer' | 'consumer' | 'between'): Promise<void> {
  const way = await sides[task.side]()
  if (role === 'producer') {
    window = new Window(task.window)
    producer = await way.producer(task)
  } else if (role === 'consumer') {
    consumer = await way.consumer(task)
    tally = new Tally(task.messages)
  } else if (way.between) between = await way.between(task)
}

async function publish() {
  const startMs = nowMs()
  await pump(producer, task, window)
  const endMs = nowMs()
  await producer[Symbol.asyncDispose]()
  return { startMs, endMs }
}

/** Tells now and then how many more were settled, until all are. */
async function drain() {
  let told = 0
  const tell = setInterval(() => {
    if (tally.count > told) process.send?.({ progress: tally.count - told })
    told = tally.count
  }, progressMs)
  const drained = await tally.drained(consumer)
  clearInterval(tell)
  return drained
}

async function answer(ask: Exclude<Ask, Progress>): Promise<unknown> {
  if (typeof ask === 'object') {
    task = ask.task
    return open(ask.open)
  }
  if (ask === 'publish') return publish()
  if (ask === 'start') return tally.start(consumer, task.joinsFirst)
  if (ask === 'drain') return task.window > 0 ? drain() : tally.drained(consumer)
  return between[Symbol.asyncDispose]()
}

process.on('message', (ask: Ask) => {
  if (typeof ask === 'object' && 'progress' in ask) return window.give(ask.progress)
  answer(ask).then(
    (said) => process.send?.(said ?? null),
    (error: unknown) => {
      console.error(error)
      process.exit(1)
    },
  )
})
process.on('disconnect', () => process.exit())
