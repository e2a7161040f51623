import { kafkaError } from './kafkaErrors.ts'

/**
 * What is used of the package `@platformatic/kafka`: its connections and its requests, one by one.
 * Its clients above them send again, join again and fetch ahead by themselves.
 */
export interface KafkaClient {
  readonly Connection: new (clientId: string, options: ConnectionOptions) => ClientConnection
  /** Where Kafka's own producer puts a key: of bytes, or of text as UTF-8. */
  murmur2(key: Buffer | string, useCache?: boolean): number
  encodeConsumerProtocolSubscription(of: Subscription): Buffer
  decodeConsumerProtocolSubscription(bytes: Buffer): Subscription
  encodeConsumerProtocolAssignment(of: Assignment): Buffer
  decodeConsumerProtocolAssignment(bytes: Buffer): Assignment
  /** `fetchV17`, `produceV11`, … */
  readonly [request: string]: unknown
}

export interface TopicPartitions {
  readonly topic: string
  readonly partitions: number[]
}

export interface Subscription {
  readonly version: number
  readonly topics: readonly string[]
  readonly userData: Buffer | null
  readonly ownedPartitions: readonly TopicPartitions[]
  readonly generationId: number
  readonly rackId: string | null
}

export interface Assignment {
  readonly version: number
  readonly assignedPartitions: readonly TopicPartitions[]
  readonly userData: Buffer | null
}

export interface ConnectionOptions {
  readonly connectTimeout: number
  readonly requestTimeout: number
  readonly maxInflights: number
  readonly tls?: Readonly<Record<string, unknown>>
  readonly tlsServerName?: string | boolean
  readonly sasl?: Sasl
}

export interface Sasl {
  readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
  readonly username: string
  readonly password: string
}

export interface ClientConnection {
  connect(host: string, port: number): Promise<void>
  close(): Promise<void>
  readonly socket?: { destroy(): void }
  on(event: 'close' | 'error', listener: (error?: Error) => void): unknown
}

/** A request of one version: arguments as its file in the package has them. */
export interface ClientRequest {
  readonly api: {
    async(connection: ClientConnection, ...args: readonly unknown[]): Promise<unknown>
  }
}

/** @throws CLIENT_MISSING */
export async function loadClient(): Promise<KafkaClient> {
  try {
    return (await import('@platformatic/kafka')) as unknown as KafkaClient
  } catch (cause) {
    const isMissing =
      cause instanceof Error && 'code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND'
    if (!isMissing) throw cause
    const text = 'the package @platformatic/kafka is not installed'
    const hint = 'Install it: npm install @platformatic/kafka'
    throw kafkaError('CLIENT_MISSING', 'connect', text, { cause, hint })
  }
}
