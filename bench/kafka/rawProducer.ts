import { randomBytes } from 'node:crypto'
import { Producer as Client } from '@platformatic/kafka'
import type { Data, Producer, Task } from '../flow/way.ts'
import { rawOptions } from './rawClient.ts'

type Headers = Map<Buffer, Buffer>
/** What lies beside the data. A topic needs none. */
type HeadersOf = () => Headers | undefined

/** Those that this library writes. */
function alikeHeaders(channel: string): HeadersOf {
  const idOfAll = randomBytes(16).toString('hex')
  let ids = 0
  return () =>
    new Map([
      [Buffer.from('ce_specversion'), Buffer.from('1.0')],
      [Buffer.from('ce_id'), Buffer.from(`${idOfAll}-${ids++}`)],
      [Buffer.from('ce_type'), Buffer.from(channel)],
      [Buffer.from('ce_source'), Buffer.from('narrowcast')],
      [Buffer.from('ce_time'), Buffer.from(new Date().toISOString())],
      [Buffer.from('content-type'), Buffer.from('application/json')],
    ])
}

/** Idempotent: all replicas have what was answered, once each. */
class IdempotentProducer implements Producer {
  readonly #client: Client
  readonly #topic: string
  readonly #headers: HeadersOf

  constructor(client: Client, topic: string, headers: HeadersOf) {
    this.#client = client
    this.#topic = topic
    this.#headers = headers
  }

  one(data: Data): Promise<unknown> {
    return this.many([data])
  }

  many(batch: readonly Data[]): Promise<unknown> {
    const messages = batch.map((data) => {
      const message = { topic: this.#topic, value: Buffer.from(JSON.stringify(data)) }
      const headers = this.#headers()
      return headers ? { ...message, headers } : message
    })
    return this.#client.send({ messages })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close()
  }
}

export async function rawProducer({ url, kind, channel }: Task): Promise<Producer> {
  const client = new Client({ ...rawOptions(url), idempotent: true })
  await client.metadata({ topics: [channel] })
  await client.initIdempotentProducer({})
  const headers = kind === 'alike' ? alikeHeaders(channel) : () => undefined
  return new IdempotentProducer(client, channel, headers)
}
