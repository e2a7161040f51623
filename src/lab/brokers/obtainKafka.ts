import { redactUrl } from '../../core/url.ts'
import { kafka } from '../../drivers/kafka/index.ts'
import { type Image, startInDocker } from './inDocker.ts'
import { startKafka } from './kafka.ts'
import { findKafkaProgram } from './kafkaProgram.ts'

/** A Kafka that a test shares with others: names of its own, and no settings are changed. */
export interface ObtainedKafka extends AsyncDisposable {
  readonly url: string
  readonly version: string
  /** `given by NARROWCAST_TEST_KAFKA_URL`, `on the PATH`, `apache/kafka:4.3.1 in Docker` */
  readonly how: string
  /** Ends it where it is ours; nothing happens to a server that was given. */
  stop(): Promise<void>
}

/** A server, or why there is none. */
export type KafkaOrReason =
  | { readonly kafka: ObtainedKafka; readonly missing: null }
  | { readonly kafka: null; readonly missing: string }

const variable = 'NARROWCAST_TEST_KAFKA_URL'

const image: Image = { image: 'apache/kafka:4.3.1', port: 9092, ready: /Kafka Server started/ }

/**
 * A server for a test file: the one whose URL the environment gives, else one of our own by the
 * program of this machine, else by Docker. A URL that leads nowhere is a reason; nothing else is
 * tried.
 */
export async function obtainKafka(): Promise<KafkaOrReason> {
  const url = process.env[variable] ?? ''
  if (url !== '') return await given(url)
  if ((await findKafkaProgram()) !== null) return { kafka: await startKafka(), missing: null }
  const container = await startInDocker(image)
  if (container !== null) {
    // Inside it has another address, which is what it tells.
    const there = `kafka://${container.address}?advertised=ignore`
    return await asked(there, `${image.image} in Docker`, container.stop)
  }
  const missing = `no ${variable}, no kafka-server-start.sh on the PATH, no answer of a Docker engine`
  return { kafka: null, missing }
}

async function given(url: string): Promise<KafkaOrReason> {
  try {
    return await asked(url, `given by ${variable}`, async () => {})
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { kafka: null, missing: `${variable} ${redactUrl(url)}: ${reason}` }
  }
}

async function asked(url: string, how: string, stop: () => Promise<void>): Promise<KafkaOrReason> {
  await using session = await kafka({ url }).open({ closed: () => {} }, AbortSignal.timeout(10_000))
  const { version } = session.info
  return { kafka: { url, version, how, stop, [Symbol.asyncDispose]: stop }, missing: null }
}
