import { type ConfirmChannel, connect as connectClient, type GetMessage } from 'amqplib'
import { afterAll, expect, onTestFinished } from 'vitest'
import { randomName } from '../../src/core/ids.ts'
import { type Bus, connect } from '../../src/index.ts'
import { obtainRabbitmq } from '../../src/lab/brokers/obtainRabbitmq.ts'

const obtained = await obtainRabbitmq()
afterAll(() => obtained.rabbitmq?.stop())

/** Why there is no test; null: there is one. */
export const missing: string | null = obtained.missing

export const url = obtained.rabbitmq?.url ?? ''

/** A channel that nobody else uses. */
export const channelName = (what: string): string => `interop.${what}.${randomName()}`

/** Ours, on this side. */
export async function ourBus(): Promise<Bus> {
  const bus = (await connect(url, { telemetry: false })) as Bus
  onTestFinished(() => bus.close({ timeoutMs: 1_000 }))
  return bus
}

/** A program that knows nothing of us but the server: the plain client. */
export async function theirs(): Promise<ConfirmChannel> {
  const client = await connectClient(url)
  client.on('error', () => {}) // told by the call that it breaks
  onTestFinished(() => client.close().catch(() => {}))
  return await client.createConfirmChannel()
}

/** The next that waits there, which is gone with that. */
export async function taken(channel: ConfirmChannel, queue: string): Promise<GetMessage> {
  let got: GetMessage | false = false
  await expect
    .poll(async () => {
      got ||= await channel.get(queue, { noAck: true })
      return got !== false
    })
    .toBe(true)
  return got as unknown as GetMessage
}

export interface Seen {
  readonly data: unknown
  readonly id: string
  readonly key: string | null
  readonly timeMs: number
  readonly type: string
  readonly source: string
  readonly headers: Readonly<Record<string, string>>
  readonly attempt: number
  readonly crashes: unknown
}

/** What a worker of ours was given of a queue. The first `failing` deliveries fail. */
export async function worker(
  name: string,
  { failing = 0, codec = 'json' as 'json' | 'bytes', delayMs = 1 } = {},
) {
  const queue = (await ourBus()).queue<unknown>(name, {
    ...{ codec, attempts: failing + 1 },
    backoff: { delayMsMin: delayMs, delayMsMax: delayMs },
  })
  const seen: Seen[] = []
  const subscription = queue.subscribe((data, { message, attempt, crashes }) => {
    const { id, key, timeMs, type, source, headers } = message
    seen.push({ data, id, key, timeMs, type, source, headers, attempt, crashes })
    if (seen.length <= failing) throw new Error('not yet')
  })
  subscription.on('error', () => {}) // those that fail are meant to
  await subscription.ready()
  return { queue, seen, subscription }
}
