import { setTimeout as wait } from 'node:timers/promises'
import { connect } from '../../src/connect.ts'
import { NarrowcastError } from '../../src/core/errors.ts'

/** Tells which messages it works on, each before it is acknowledged: what is told outlives a kill. */
const [url, leaseMs] = process.argv.slice(2) as [string, string]
process.on('disconnect', () => process.exit(0)) // the test has ended
const bus = await untilConnected()
const tell = async (ids: readonly number[]): Promise<void> =>
  await new Promise((resolve, reject) => {
    process.send?.(ids, (error: Error | null) => (error ? reject(error) : resolve()))
  })
const worker = bus.queue<number>('jobs', { leaseMs: Number(leaseMs) }).subscribe(
  async (batch) => {
    await tell(batch.map(({ data }) => data))
    await wait(5)
  },
  { batch: { size: 50, waitMsMax: 0 } },
)
worker.on('error', ({ error }) => {
  if (!error.retryable) throw error // a server that was killed is what this is about
})

/** The server may be killed at this very moment. */
async function untilConnected() {
  for (;;) {
    try {
      return await connect(url)
    } catch (error) {
      if (!(error instanceof NarrowcastError && error.retryable)) throw error
      await wait(50)
    }
  }
}
