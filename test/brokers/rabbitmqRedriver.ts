import { rabbitmq } from '../../src/drivers/rabbitmq/index.ts'

/** Looks at the dead letters of a queue and redrives them, until it is killed: `node … URL QUEUE`. */
const [url = '', name = ''] = process.argv.slice(2)
const signal = AbortSignal.timeout(60_000)
const session = await rabbitmq({ url }).open({ closed: () => process.exit(1) }, signal)
const channel = { name, pattern: 'queue' } as const
const { deadLetters, redrive } = session.admin
for (;;) {
  const query = { cursor: null, limit: 20, newestFirst: false }
  const page = await deadLetters?.(channel, null, query, signal)
  const refs = page?.items.map(({ ref }) => ref) ?? []
  process.stdout.write('.')
  await redrive?.(channel, refs, null, signal)
}
