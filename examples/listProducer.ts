// One message a second into the queue demo-1; on Redis that is a list, which any program can read.
// The number says how many; without it, until Ctrl-C. Start workers beside it: listWorker.ts.
//   node --import ./examples/checkout.ts examples/listProducer.ts 5
//   NARROWCAST_URL=redis://localhost:6379 node --import ./examples/checkout.ts examples/listProducer.ts 5
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from 'narrowcast'

await using bus = await connect(process.env.NARROWCAST_URL ?? 'file:./.narrowcast/store')
const channel = bus.queue<{ readonly n: number }>('demo-1')
const count = Number(process.argv[2] ?? Number.POSITIVE_INFINITY)

const stopping = new AbortController()
process.once('SIGINT', () => stopping.abort())
for (let n = 1; n <= count && !stopping.signal.aborted; n++) {
  const { id } = await channel.publish({ n })
  console.log(`published ${n} as ${id}`)
  if (n < count) await sleep(1_000, null, { signal: stopping.signal }).catch(() => {})
}
