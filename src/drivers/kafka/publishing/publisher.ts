import type { ChannelSpec } from '../../../core/channel.ts'
import type { Publisher } from '../../../core/driver.ts'
import type { ErrorCode } from '../../../core/errors.ts'
import type { OutgoingMessage, PublishOutcome } from '../../../core/message.ts'
import type { KafkaClient } from '../client.ts'
import { kafkaError } from '../kafkaErrors.ts'
import { delayMsMax, retryTopicFor } from '../layout.ts'
import { isReserved } from '../wire/headerNames.ts'
import { recordOf } from '../wire/record.ts'
import { partitionOf } from './partition.ts'
import type { Addressed } from './parts.ts'
import type { Producer } from './producer.ts'

export interface KafkaPublisherOptions {
  readonly spec: ChannelSpec
  readonly client: KafkaClient
  readonly producer: Producer
  /** Of a topic, now. */
  readonly partitions: (topic: string) => number
  readonly checkOpen: (operation: string) => void
}

/** Stores each message in the partition of its key, and one without a key in the next. */
export class KafkaPublisher implements Publisher {
  readonly #of: KafkaPublisherOptions
  /** Where publishers that send little begin is a matter of chance: one and the same would fill up. */
  #next = Math.floor(Math.random() * 1_000)
  #isClosed = false

  constructor(options: KafkaPublisherOptions) {
    this.#of = options
  }

  async publish(batch: readonly OutgoingMessage[], signal: AbortSignal): Promise<PublishOutcome[]> {
    this.#of.checkOpen('publish')
    if (this.#isClosed) throw this.#error('CLOSED', 'this publisher was closed')
    const faults = batch.map((message) => this.#faultOf(message))
    const nowMs = Date.now()
    const sound = batch.filter((_, at) => faults[at] === null)
    const addressed = sound.map((message) => this.#addressed(message, nowMs))
    const outcomes = await this.#of.producer.send(addressed, signal)
    let next = 0
    return faults.map((fault) => fault ?? (outcomes[next++] as PublishOutcome))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#of.producer.close()
  }

  #addressed(message: OutgoingMessage, nowMs: number): Addressed {
    const { spec } = this.#of
    const { delayMs } = message
    const home = { channel: spec.name, group: null }
    const topic = delayMs > 0 ? retryTopicFor(home, delayMs) : spec.name
    return {
      topic,
      partition: this.#partitionOf(topic, message.key),
      record: recordOf(message, { isPlain: !spec.envelope && delayMs === 0, nowMs }),
    }
  }

  #partitionOf(topic: string, key: string | null): number {
    const count = this.#of.partitions(topic)
    return key === null ? this.#next++ % count : partitionOf(this.#of.client, key, count)
  }

  #faultOf({ id, body, delayMs, headers }: OutgoingMessage): PublishOutcome | null {
    const { payloadBytesMax, pattern } = this.#of.spec
    const bytes = typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength
    if (bytes > payloadBytesMax) {
      const text = `message ${id} has ${bytes} bytes, payloadBytesMax is ${payloadBytesMax}`
      return this.#refused('PAYLOAD_TOO_LARGE', text)
    }
    if (delayMs > 0 && pattern !== 'queue') {
      const text =
        pattern === 'stream'
          ? 'a stream has one order for all groups, and no delay'
          : 'nothing of a broadcast is kept for later; delay on a queue'
      return this.#refused('UNSUPPORTED', text)
    }
    if (delayMs > delayMsMax) {
      const text = `message ${id} is delayed by ${delayMs} ms; at most ${delayMsMax} here`
      return this.#refused('INVALID_ARGUMENT', text)
    }
    const name = Object.keys(headers).find(isReserved)
    if (name === undefined) return null
    return this.#refused(
      'INVALID_ARGUMENT',
      `message ${id} has a header "${name}", which is reserved`,
    )
  }

  #refused(code: ErrorCode, text: string): PublishOutcome {
    return { state: 'refused', code, message: this.#error(code, text).message }
  }

  #error(code: ErrorCode, text: string) {
    const { name } = this.#of.spec
    return kafkaError(code, 'publish', `"${name}": ${text}`, { channel: name })
  }
}
