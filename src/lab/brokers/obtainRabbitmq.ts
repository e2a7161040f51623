import { redactUrl } from '../../core/url.ts'
import { rabbitmqVersion } from './askRabbitmq.ts'
import { type Image, startInDocker } from './inDocker.ts'
import { startRabbitmq } from './rabbitmq.ts'
import { findRabbitmqProgram } from './rabbitmqProgram.ts'

/** A RabbitMQ that a test shares with others: names of its own, and no settings are changed. */
export interface ObtainedRabbitmq extends AsyncDisposable {
  readonly url: string
  readonly version: string
  /** `given by NARROWCAST_TEST_RABBITMQ_URL`, `on the PATH`, `rabbitmq:4-management-alpine in Docker` */
  readonly how: string
  /** Ends it where it is ours; nothing happens to a server that was given. */
  stop(): Promise<void>
}

/** A server, or why there is none. */
export type RabbitmqOrReason =
  | { readonly rabbitmq: ObtainedRabbitmq; readonly missing: null }
  | { readonly rabbitmq: null; readonly missing: string }

const variable = 'NARROWCAST_TEST_RABBITMQ_URL'

const image: Image = {
  image: 'rabbitmq:4-management-alpine',
  port: 5672,
  ready: /Server startup complete/,
}

/**
 * A server for a test file: the one whose URL the environment gives, else one of our own by the
 * program of this machine, else by Docker. A URL that leads nowhere is a reason; nothing else is
 * tried.
 */
export async function obtainRabbitmq(): Promise<RabbitmqOrReason> {
  const url = process.env[variable] ?? ''
  if (url !== '') return await given(url)
  if ((await findRabbitmqProgram()) !== null) {
    return { rabbitmq: await startRabbitmq(), missing: null }
  }
  const container = await startInDocker(image)
  if (container !== null) {
    return await asked(`amqp://${container.address}`, `${image.image} in Docker`, container.stop)
  }
  const missing = `no ${variable}, no rabbitmq-server on the PATH, no answer of a Docker engine`
  return { rabbitmq: null, missing }
}

async function given(url: string): Promise<RabbitmqOrReason> {
  try {
    return await asked(url, `given by ${variable}`, async () => {})
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { rabbitmq: null, missing: `${variable} ${redactUrl(url)}: ${reason}` }
  }
}

async function asked(
  url: string,
  how: string,
  stop: () => Promise<void>,
): Promise<RabbitmqOrReason> {
  const version = await rabbitmqVersion(url)
  return { rabbitmq: { url, version, how, stop, [Symbol.asyncDispose]: stop }, missing: null }
}
