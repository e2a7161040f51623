import { Admin, Consumer, type Message, MultipleErrors, Producer } from '@platformatic/kafka'
import { type Taken, type Twin, takeMs } from './twin.ts'

/** As many as a topic has that narrowcast makes. */
const partitions = 6

/** It was made for another group. */
const isThere = (error: unknown) =>
  error instanceof MultipleErrors && error.findBy('apiId', 'TOPIC_ALREADY_EXISTS') !== null

/**
 * A topic; an idempotent producer; members of a group, which commit of each partition how far all is
 * done. Where one comes or goes, the others begin again at what they have committed.
 */
export const kafkaTwin: Twin = {
  async prepare({ url, channel: topic }) {
    const admin = new Admin(clientOf(url))
    try {
      await admin.createTopics({ topics: [topic], partitions, replicas: -1 })
    } catch (error) {
      if (!isThere(error)) throw error
    }
    await admin.close()
  },
  async sender({ url, channel: topic }) {
    const producer = new Producer({ ...clientOf(url), idempotent: true })
    return {
      async send(message) {
        await producer.send({ messages: [{ topic, value: Buffer.from(message) }] })
        return undefined
      },
      [Symbol.asyncDispose]: async () => await producer.close(),
    }
  },
  async reader({ url, channel, group, leaseMs }) {
    const consumer = new Consumer({
      ...{ ...clientOf(url), groupId: group ?? `${channel}.workers` },
      ...{ sessionTimeout: leaseMs, heartbeatInterval: leaseMs / 4 },
    })
    const stream = await consumer.consume({
      ...{ topics: [channel], mode: 'committed', fallbackMode: 'earliest' },
      ...{ autocommit: false, maxWaitTime: takeMs },
    })
    const came: Message[] = []
    const lines = new Map<number, Line>()
    consumer.on('consumer:group:join', () => {
      came.length = 0
      lines.clear()
    })
    let isClosing = false
    consumer.on('error', (error) => {
      if (!isClosing) throw error // of a member that leaves while another one does: it was joining anew
    })
    let wake = () => {}
    stream.on('data', (message) => {
      came.push(message)
      wake()
    })
    return {
      async take(countMax): Promise<Taken[]> {
        if (came.length === 0) {
          const { promise, resolve } = Promise.withResolvers<void>()
          wake = resolve
          const late = setTimeout(resolve, takeMs)
          await promise
          clearTimeout(late)
        }
        return came.splice(0, countMax).map((message) => {
          const line = lines.get(message.partition) ?? new Line()
          lines.set(message.partition, line)
          line.taken(message)
          return {
            message: message.value,
            settle: async () => {
              const last = line.done(message)
              if (lines.get(message.partition) === line) await last?.commit()
            },
          }
        })
      },
      async [Symbol.asyncDispose]() {
        isClosing = true
        await consumer.close(true)
      },
    }
  },
}

/** What is in hand of one partition: a commit says that all before it is done, too. */
class Line {
  readonly #open: Message[] = []
  readonly #done = new Set<Message>()

  taken(message: Message): void {
    this.#open.push(message)
  }

  /** @returns the last one before which all is done now; undefined: an earlier one is still in hand */
  done(message: Message): Message | undefined {
    this.#done.add(message)
    let last: Message | undefined
    for (let next = this.#open[0]; next && this.#done.delete(next); next = this.#open[0]) {
      last = this.#open.shift()
    }
    return last
  }
}

/** Options of the URL are of narrowcast. */
const clientOf = (url: string) => ({ clientId: 'twin', bootstrapBrokers: [new URL(url).host] })
