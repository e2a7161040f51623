import { connect } from '../../src/index.ts'
import { startRabbitmq } from '../../src/lab/brokers/rabbitmq.ts'
import { Crew } from '../flow/crew.ts'
import type { Rig, Sizes } from '../flow/rig.ts'
import { rawClient } from './rawClient.ts'

/** A RabbitMQ of our own. */
export interface RabbitmqRig extends Rig {
  /** So many queues that nobody has used. */
  channels(count: number): Promise<string[]>
  /** A stream that nobody has used, with these groups. */
  stream(groups: readonly string[]): Promise<string>
}

/** Queues of a channel, by the ends of their names, beside those of its groups. */
const helpers = ['', ':n:dead', ':n:archive', ':n:flags']

/** Queues and exchanges are made by this library; the bare client uses the same. */
export async function startRig(sizes: Sizes, report: (line: string) => void): Promise<RabbitmqRig> {
  await using started = new AsyncDisposableStack()
  const server = started.use(await startRabbitmq())
  const bus = started.use(await connect(server.url))
  const client = await rawClient(server.url)
  started.defer(() => client.close())
  const bare = await client.createChannel()
  const crew = started.use(new Crew())
  const all = started.move()
  let made = 0
  const left: { readonly name: string; readonly groups: readonly string[] }[] = []
  const clear = async () => {
    for (const { name, groups } of left.splice(0)) {
      const ends = [...helpers, ...groups.map((group) => `:g:${group}`)]
      for (const end of ends) await bare.deleteQueue(name + end)
      await bare.deleteExchange(name)
    }
  }
  const next = (groups: readonly string[]) => {
    const name = `bench-${made++}`
    left.push({ name, groups })
    return name
  }
  const channels = async (count: number) => {
    await clear()
    const names = Array.from({ length: count }, () => next([]))
    for (const name of names) await bus.queue(name).opened()
    return names
  }
  return {
    url: server.url,
    version: server.version,
    settings: 'as it comes, with the management plugin',
    crew,
    sizes,
    report,
    channels,
    channel: async () => (await channels(1))[0] as string,
    async stream(groups) {
      await clear()
      const name = next(groups)
      for (const group of groups) {
        await using reader = bus.stream(name).subscribe(() => {}, { group })
        await reader.ready()
      }
      return name
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}
