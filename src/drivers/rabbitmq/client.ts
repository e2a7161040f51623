import type { Gathered } from './gathering.ts'
import { rabbitmqError } from './rabbitmqErrors.ts'

/**
 * What is used of the package `amqplib`. Its own types are not everywhere: it is an optional peer.
 */
export interface Amqp {
  connect(url: AmqpAddress, socket: Readonly<Record<string, unknown>>): Promise<AmqpConnection>
}

export interface AmqpAddress {
  readonly protocol: 'amqp' | 'amqps'
  readonly hostname: string
  readonly port: number
  readonly username: string
  readonly password: string
  /** With its special characters as percent signs. */
  readonly vhost: string
  /** In seconds. */
  readonly heartbeat: number
}

export interface AmqpConnection {
  readonly connection: {
    readonly serverProperties: Readonly<Record<string, unknown>>
    /** Its socket. */
    readonly stream: Gathered
    /** In seconds. */
    readonly heartbeat: number
  }
  createChannel(): Promise<AmqpChannel>
  createConfirmChannel(): Promise<AmqpConfirmChannel>
  close(): Promise<void>
  on(event: 'close', listener: (error?: Error) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'blocked', listener: (reason: string) => void): unknown
  on(event: 'unblocked', listener: () => void): unknown
}

export interface AmqpChannel {
  assertQueue(queue: string, options: QueueOptions): Promise<QueueFacts>
  checkQueue(queue: string): Promise<QueueFacts>
  deleteQueue(queue: string): Promise<unknown>
  /** Of those that nobody has in hand. */
  purgeQueue(queue: string): Promise<{ readonly messageCount: number }>
  checkExchange(exchange: string): Promise<unknown>
  assertExchange(exchange: string, type: string, options: object): Promise<unknown>
  bindQueue(queue: string, exchange: string, pattern: string): Promise<unknown>
  unbindQueue(queue: string, exchange: string, pattern: string): Promise<unknown>
  prefetch(count: number): Promise<unknown>
  /** Null: the broker has ended the subscription. */
  consume(
    queue: string,
    listener: (message: AmqpMessage | null) => void,
    options?: ConsumeOptions,
  ): Promise<{ consumerTag: string }>
  cancel(consumerTag: string): Promise<unknown>
  get(queue: string, options?: { readonly noAck: boolean }): Promise<AmqpMessage | false>
  ack(message: { fields: { deliveryTag: number } }, allUpTo?: boolean): void
  nack(message: { fields: { deliveryTag: number } }, allUpTo: boolean, requeue: boolean): void
  close(): Promise<void>
  on(event: 'close', listener: () => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
}

export interface AmqpConfirmChannel extends AmqpChannel {
  /** @throws RangeError for headers of more than 64 KiB, Error where the channel is closed */
  publish(
    exchange: string,
    routingKey: string,
    content: Buffer,
    options: AmqpPublish,
    done: (error: Error | null) => void,
  ): boolean
  on(event: 'return', listener: (message: AmqpMessage) => void): unknown
  on(event: 'close', listener: () => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
}

export interface ConsumeOptions {
  readonly noAck?: boolean
  readonly arguments?: Readonly<Record<string, unknown>>
}

export interface QueueOptions {
  readonly durable: boolean
  readonly exclusive?: boolean
  readonly arguments?: Readonly<Record<string, string | number>>
}

/** messageCount: those that wait for a consumer; what is in hand is in no count of AMQP. */
export interface QueueFacts {
  readonly messageCount: number
  readonly consumerCount: number
}

/** Basic properties of AMQP 0-9-1, as the client names them. */
export interface AmqpProperties {
  readonly contentType?: string | undefined
  readonly messageId?: string | undefined
  readonly type?: string | undefined
  readonly appId?: string | undefined
  /** A queue that waits for answers. */
  readonly replyTo?: string | undefined
  /** In seconds. */
  readonly timestamp?: number | undefined
  readonly headers?: Readonly<Record<string, unknown>> | undefined
  readonly contentEncoding?: string | undefined
  readonly priority?: number | undefined
  readonly correlationId?: string | undefined
  /** In milliseconds. */
  readonly expiration?: string | undefined
  /** The broker takes that of the connection only. */
  readonly userId?: string | undefined
}

export interface AmqpPublish extends AmqpProperties {
  readonly mandatory: true
  readonly persistent: boolean
}

export interface AmqpMessage {
  readonly content: Buffer
  readonly fields: {
    readonly deliveryTag: number
    /** Not of what was asked for one by one. */
    readonly consumerTag?: string
    readonly exchange: string
    readonly routingKey: string
    /** It was given out before. */
    readonly redelivered: boolean
  }
  readonly properties: AmqpProperties
}

/** @throws CLIENT_MISSING */
export async function loadClient(): Promise<Amqp> {
  try {
    return (await import('amqplib')).default as unknown as Amqp
  } catch (cause) {
    const isMissing =
      cause instanceof Error && 'code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND'
    if (!isMissing) throw cause
    throw rabbitmqError('CLIENT_MISSING', 'connect', 'the package amqplib is not installed', {
      cause,
      hint: 'Install it: npm install amqplib',
    })
  }
}
