// A worker of the queue demo-1: two messages at once, three tries for each, then the dead list.
// Every third message fails, so that there is something to see. Start several; Ctrl-C ends one.
//   node --import ./examples/checkout.ts examples/listWorker.ts
//   NARROWCAST_URL=redis://localhost:6379 node --import ./examples/checkout.ts examples/listWorker.ts
import { once } from 'node:events'
import { connect } from 'narrowcast'

await using bus = await connect(process.env.NARROWCAST_URL ?? 'file:./.narrowcast/store')
const channel = bus.queue<{ readonly n: number }>('demo-1', {
  attempts: 3,
  backoff: { delayMsMin: 100, delayMsMax: 1_000 },
})

const worker = channel.subscribe(
  ({ n }, { attempt }) => {
    if (n % 3 === 0) throw new Error(`${n} divides by three`) // tried again later
    console.log(`done ${n} at attempt ${attempt}`) // returning is the ack
  },
  { concurrency: 2 },
)
worker.on('error', ({ error }) => console.log(`failed: ${error.message}`))
worker.on('dead', ({ letter }) =>
  console.log(`dead after ${letter.failures} tries: ${letter.reason}`),
)
console.log('working; Ctrl-C drains and ends')
await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
await worker.drain()

const page = { cursor: null, limit: 100, newestFirst: true }
const { items } = await bus.admin.deadLetters({ name: 'demo-1', pattern: 'queue' }, null, page)
const dead = items.map(({ message: { body } }) =>
  typeof body === 'string' ? body : Buffer.from(body),
)
console.log(`on the dead list: ${dead.join(' ') || 'nothing'}`)
