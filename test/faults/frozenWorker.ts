import { connect } from '../../src/connect.ts'

/** Works on one message for as long as it is told to, and tells what it hears. */
const [url, leaseMs] = process.argv.slice(2) as [string, string]
process.on('disconnect', () => process.exit(0)) // the test has ended
const bus = await connect(url)
const finished = new Promise<void>((resolve) => {
  process.on('message', (word) => word === 'finish' && resolve())
})
const worker = bus.queue<string>('jobs', { leaseMs: Number(leaseMs) }).subscribe(
  async (_, { signal }) => {
    process.send?.({ event: 'begun' })
    await finished
    process.send?.({ event: 'finished', isAborted: signal.aborted })
  },
  { name: 'frozen' },
)
for (const event of ['lost', 'late', 'settled'] as const) {
  worker.on(event, (what) => process.send?.({ event, ...what }))
}
