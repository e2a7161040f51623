import type { NarrowcastError } from '../../../core/errors.ts'
import type { Address } from '../../_shared/serverPlace.ts'
import type { ClientConnection, ClientRequest, KafkaClient } from '../client.ts'
import { kafkaError } from '../kafkaErrors.ts'
import { type Answers, type RequestName, requests } from './requests.ts'

export interface LinkOptions {
  readonly client: KafkaClient
  readonly address: Address
  /** As the server shows it to its administrators. */
  readonly clientId: string
  readonly tls: Readonly<Record<string, unknown>> | null
  readonly sasl: {
    readonly mechanism: string
    readonly username: string
    readonly password: string
  } | null
  /** A server that has said nothing for so long is gone. */
  readonly answerMsMax: number
  readonly connectMsMax: number
}

/**
 * One connection to one node. A node answers the requests of a connection in their order: what may
 * wait there, as a fetch does, needs one of its own.
 */
export class Link {
  readonly address: Address
  readonly #client: KafkaClient
  readonly #connection: ClientConnection
  readonly #closed = new AbortController()
  #versions: ReadonlyMap<number, { readonly min: number; readonly max: number }> = new Map()
  #features: Answers['apiVersions']['finalizedFeatures'] = []

  /** Rejects with what the client says. */
  static async open(options: LinkOptions): Promise<Link> {
    const link = new Link(options)
    try {
      await link.#connection.connect(options.address.host, options.address.port)
      await link.#ask()
      return link
    } catch (error) {
      link.destroy()
      throw error
    }
  }

  private constructor(options: LinkOptions) {
    const { client, address, tls, sasl, answerMsMax, connectMsMax } = options
    this.address = address
    this.#client = client
    this.#connection = new client.Connection(options.clientId, {
      connectTimeout: connectMsMax,
      requestTimeout: answerMsMax,
      maxInflights: 5,
      ...(tls && { tls, tlsServerName: true }),
      ...(sasl && { sasl: sasl as never }),
    })
    const closed = () => this.#closed.abort()
    this.#connection.on('close', closed)
    this.#connection.on('error', closed)
  }

  /** Aborted when it has ended, by whichever side. */
  get closed(): AbortSignal {
    return this.#closed.signal
  }

  get features(): Answers['apiVersions']['finalizedFeatures'] {
    return this.#features
  }

  /**
   * The answer, whatever error codes it has.
   * @throws CONNECTION_LOST where none came; UNSUPPORTED where the node knows no version that we know
   */
  async call<N extends RequestName>(name: N, ...args: readonly unknown[]): Promise<Answers[N]> {
    const request = this.#request(name)
    try {
      return (await request.api.async(this.#connection, ...args)) as Answers[N]
    } catch (error) {
      const answer = (error as { readonly response?: Answers[N] }).response
      if (answer !== undefined) return answer
      this.destroy()
      throw this.#lost(name, error)
    }
  }

  async close(): Promise<void> {
    this.#closed.abort()
    await this.#connection.close()
  }

  /** Whatever is on its way is not waited for. */
  destroy(): void {
    this.#closed.abort()
    this.#connection.socket?.destroy()
  }

  async #ask(): Promise<void> {
    const { apiKeys, finalizedFeatures } = await this.call('apiVersions', 'narrowcast', '1')
    this.#features = finalizedFeatures
    this.#versions = new Map(
      apiKeys.map(({ apiKey, minVersion, maxVersion }) => [
        apiKey,
        { min: minVersion, max: maxVersion },
      ]),
    )
  }

  #request(name: RequestName): ClientRequest {
    const { key, versions } = requests[name]
    const known = this.#versions.get(key)
    const isKnown = (version: number) =>
      name === 'apiVersions' || (known && version >= known.min && version <= known.max)
    const version = versions.find(isKnown)
    const request = version === undefined ? undefined : this.#client[`${name}V${version}`]
    if (request !== undefined) return request as ClientRequest
    const text = `${placeOf(this.address)} takes no ${name} request of version ${versions.join(' or ')}`
    throw kafkaError('UNSUPPORTED', name, text, { hint: 'It needs Kafka 3.7 or newer.' })
  }

  #lost(name: string, cause: unknown): NarrowcastError {
    const text = cause instanceof Error ? cause.message : String(cause)
    return kafkaError('CONNECTION_LOST', name, `${placeOf(this.address)}: ${text}`, { cause })
  }
}

export const placeOf = ({ host, port }: Address) =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`
