import { Admin } from '@platformatic/kafka'
import { connect } from '../../src/index.ts'
import { startKafka } from '../../src/lab/brokers/kafka.ts'
import { Crew } from '../flow/crew.ts'
import type { Rig, Sizes } from '../flow/rig.ts'
import { rawOptions } from './rawClient.ts'

/** A Kafka of our own. */
export interface KafkaRig extends Rig {
  /** So many queues that nobody has used. */
  channels(count: number): Promise<string[]>
  /** A stream that nobody has used. */
  stream(): Promise<string>
}

/** What was removed is off the disk soon, and not among what comes after it. */
const config = ['log.segment.delete.delay.ms=1000']

const partitions = Array.from({ length: 6 }, (_, at) => ({ partitionIndex: at, timestamp: -1n }))

/** Topics are made by this library, as it comes; the bare client uses the same. */
export async function startRig(sizes: Sizes, report: (line: string) => void): Promise<KafkaRig> {
  await using started = new AsyncDisposableStack()
  const server = started.use(await startKafka({ config }))
  const bus = started.use(await connect(server.url))
  const admin = new Admin(rawOptions(server.url))
  started.defer(async () => await admin.close())
  const crew = started.use(new Crew())
  let made = 0
  const left: { readonly name: string; readonly pattern: 'queue' | 'stream' }[] = []
  const clear = async () => {
    for (const channel of left.splice(0)) await bus.admin.remove(channel)
  }
  const next = async (pattern: 'queue' | 'stream') => {
    const name = `bench-${made++}`
    left.push({ name, pattern })
    await bus[pattern](name).opened()
    // A broker tells of a topic before it takes messages for it: the client asks until it does.
    await admin.listOffsets({ topics: [{ name, partitions }] })
    return name
  }
  const channels = async (count: number) => {
    await clear()
    const names: string[] = []
    while (names.length < count) names.push(await next('queue'))
    return names
  }
  // The first group that ever joins has its broker make a place for all of them.
  await using first = bus.queue(await next('queue')).subscribe(() => {})
  await first.ready()
  const all = started.move()
  return {
    url: server.url,
    version: server.version,
    settings: config.join(' '),
    crew,
    sizes,
    report,
    channels,
    channel: async () => (await channels(1))[0] as string,
    async stream() {
      await clear()
      return await next('stream')
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}
