import { connect, NarrowcastError } from '../../src/index.ts'

/** What a child is to do. */
export interface Task {
  readonly role: 'publish' | 'work' | 'storm'
  readonly dir: string
  readonly messages: number
  readonly batch: number
  readonly bodyBytes: number
}

/** What a child tells: how far it is, and what memory it takes. */
export interface Reading {
  readonly count: number
  readonly rssMb: number
}

/** How a storm of publishes at a broker that does not answer ended. */
export interface Storm {
  readonly answers: Readonly<Record<string, number>>
  readonly grownMb: number
}

const channel = 'memory'
const readingEveryMs = 500
let count = 0
let mayPublish = 0

function rssMb(): number {
  return process.memoryUsage.rss() / 1_048_576
}

function tell(what: Reading | { done: true } | { storm: Storm }): Promise<void> {
  return new Promise((done) => process.send?.(what, undefined, undefined, () => done()))
}

async function publish({ dir, messages, batch, bodyBytes }: Task): Promise<void> {
  await using bus = await connect(`file:${dir}`)
  const queue = bus.queue<string>(channel, { inFlightMax: batch * 2 })
  const data = 'x'.repeat(bodyBytes - 2)
  while (count < messages) {
    while (count + batch > mayPublish) await new Promise((wait) => setTimeout(wait, 5))
    const items = Array.from({ length: Math.min(batch, messages - count) }, () => ({ data }))
    for (const answer of await queue.publishMany(items)) {
      if (answer instanceof NarrowcastError) throw answer
    }
    count += items.length
  }
}

async function work({ dir, messages, batch }: Task): Promise<void> {
  await using bus = await connect(`file:${dir}`)
  const all = Promise.withResolvers<void>()
  const worker = bus.queue<string>(channel).subscribe(() => undefined, {
    batch: { size: batch, waitMsMax: 0 },
  })
  worker.on('settled', ({ kind }) => {
    if (kind === 'ack' && ++count === messages) all.resolve()
  })
  await all.promise
}

/** Publishes without waiting for an answer, and counts what it was told. */
async function storm({ dir, messages, bodyBytes }: Task): Promise<void> {
  await using bus = await connect(`file:${dir}`)
  const queue = bus.queue<string>(channel, { publish: { timeoutMs: 3_000 } })
  await queue.publish('before')
  await tell({ count: 0, rssMb: rssMb() })
  await new Promise((locked) => process.once('message', locked))
  const beforeMb = rssMb()
  let highestMb = beforeMb
  const answers: Record<string, number> = {}
  const all = Promise.withResolvers<void>()
  let told = 0
  const note = (what: string) => {
    answers[what] = (answers[what] ?? 0) + 1
    if (++told === messages) all.resolve()
  }
  const data = 'x'.repeat(bodyBytes - 2)
  for (let n = 0; n < messages; n++) {
    void queue.publish(data).then(
      () => note('stored'),
      (error: NarrowcastError) => note(error.code),
    )
    if (n % 1_000 === 0) await new Promise(setImmediate)
    highestMb = Math.max(highestMb, rssMb())
  }
  await all.promise
  await tell({ storm: { answers, grownMb: Math.max(highestMb, rssMb()) - beforeMb } })
  await new Promise((free) => process.once('message', free))
  await queue.publish('after')
}

const roles = { publish, work, storm }

process.on('message', (message: Task | { mayPublish: number } | string) => {
  if (typeof message === 'string') return
  if ('mayPublish' in message) {
    mayPublish = message.mayPublish
    return
  }
  const reading = setInterval(() => void tell({ count, rssMb: rssMb() }), readingEveryMs)
  roles[message.role](message)
    .then(() => tell({ count, rssMb: rssMb() }))
    .then(() => tell({ done: true }))
    .then(() => {
      clearInterval(reading)
      process.disconnect()
    })
    .catch((error: unknown) => {
      console.error(error)
      process.exit(1)
    })
})
