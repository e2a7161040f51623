import { spec } from './file/store.ts'
import { openKafka, openSource, takeAll } from './kafkaOpen.ts'

/** Fails with the first message of a queue, which holds up the rest of its key for long, and stays. */
const [url = '', name = ''] = process.argv.slice(2)
const signal = new AbortController().signal
const session = await openKafka(url)
const { source } = await openSource(session, spec({ name }), { reader: 'holder', order: 'block' })
const opened = { source, lost: [], [Symbol.asyncDispose]: async () => {} }
const [first] = await takeAll(opened, 1)
if (first === undefined) throw new Error('nothing came')
const error = { name: 'Error', message: 'no', atMs: Date.now(), worker: 'w' }
const retry = { kind: 'retry', delayMs: 600_000, failures: first.failures + 1, error } as const
await source.settle([{ token: first.token, ...retry }], signal)
process.send?.(first.failures)
