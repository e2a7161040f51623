import { setTimeout as wait } from 'node:timers/promises'
import { connect } from '../../src/connect.ts'

/** A process that works on two queues. The first holds a message that kills whoever works on it. */
const [url, leaseMs, deliveriesMax] = process.argv.slice(2) as [string, string, string]
process.on('disconnect', () => process.exit(0)) // the test has ended
process.channel?.unref()
await using bus = await connect(url)
const wish = { leaseMs: Number(leaseMs), deliveriesMax: Number(deliveriesMax) }
// Long enough for both to be begun when the process dies, unless one of them is alone.
const workers = [
  bus.queue<string>('poisoned', wish).subscribe(
    async (data) => {
      if (data === 'poison at once') process.kill(process.pid, 'SIGKILL')
      await wait(data === 'poison' ? 1_500 : 20)
      if (data === 'poison') process.kill(process.pid, 'SIGKILL')
    },
    { concurrency: 2 },
  ),
  bus
    .queue<string>('innocent', wish)
    .subscribe((data) => wait(data === 'short' ? 100 : 4_000), { concurrency: 2 }),
]
const ended = new Promise((resolve) => process.once('SIGTERM', resolve))
await Promise.all(workers.map((worker) => worker.ready()))
await ended
