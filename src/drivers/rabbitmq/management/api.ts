import type { NarrowcastError } from '../../../core/errors.ts'
import { rabbitmqError } from '../rabbitmqErrors.ts'
import type { Login } from './options.ts'

/** Beside a broker that works, who only looks does not wait for longer. */
const answerMsMax = 5_000

/** Asks the HTTP API of the management plugin. @see https://www.rabbitmq.com/docs/management#http-api */
export class ManagementApi {
  /** Fit for every output. */
  readonly place: string
  readonly #login: Login
  readonly #vhost: string

  constructor(place: string, login: Login, vhost: string) {
    this.place = place
    this.#login = login
    this.#vhost = encodeURIComponent(vhost)
  }

  /**
   * What lies at `/api/KIND`, in the vhost of the broker or of the whole server. Null: it is not
   * there. @throws CONNECT_FAILED, LOGIN_REFUSED, TIMEOUT, UNAVAILABLE
   */
  async get(
    kind: 'queues' | 'exchanges',
    name: string | null,
    columns: readonly string[],
    signal: AbortSignal,
  ): Promise<unknown> {
    const path = [kind, this.#vhost, ...(name === null ? [] : [encodeURIComponent(name)])].join('/')
    return await this.ask(`${path}?columns=${columns.join(',')}`, signal)
  }

  /** Of the whole server. Null: it is not there. @throws as `get` */
  async ask(path: string, signal: AbortSignal): Promise<unknown> {
    const { username, password } = this.#login
    const login = Buffer.from(`${username}:${password}`).toString('base64')
    const limit = AbortSignal.timeout(answerMsMax)
    try {
      const response = await fetch(`${this.place}/api/${path}`, {
        headers: { authorization: `Basic ${login}`, accept: 'application/json' },
        redirect: 'manual', // nobody else is told the login
        signal: AbortSignal.any([signal, limit]),
      })
      if (response.status === 404) {
        await response.body?.cancel()
        return null
      }
      if (response.ok) return await response.json()
      throw this.#refused(response.status, await response.text())
    } catch (error) {
      signal.throwIfAborted()
      if (limit.aborted) throw this.#error('TIMEOUT', `no answer in ${answerMsMax} ms`, startHint)
      if (error instanceof SyntaxError) {
        throw this.#error('CONNECT_FAILED', 'it does not answer as a management plugin', startHint)
      }
      if (error instanceof TypeError) throw this.#unreachable(error)
      throw error
    }
  }

  #unreachable({ cause }: TypeError): NarrowcastError {
    const why = cause instanceof Error ? cause.message : 'it cannot be reached'
    const isOther = /HTTP\/1\.1 protocol/.test(why)
    return isOther
      ? this.#error('CONNECT_FAILED', 'this port does not speak HTTP', portHint)
      : this.#error('CONNECT_FAILED', why, startHint)
  }

  #refused(status: number, text: string): NarrowcastError {
    const said = /"reason"\s*:\s*"([^"]*)"/.exec(text)?.[1] ?? `status ${status}`
    if (status === 401 || status === 403) {
      return this.#error(
        'LOGIN_REFUSED',
        `user ${this.#login.username} is refused: ${said}`,
        loginHint,
      )
    }
    return this.#error('UNAVAILABLE', `it refuses: ${said}`, startHint)
  }

  #error(
    code: 'CONNECT_FAILED' | 'LOGIN_REFUSED' | 'TIMEOUT' | 'UNAVAILABLE',
    text: string,
    hint: string,
  ): NarrowcastError {
    // A question changes nothing, answered or not.
    return rabbitmqError(code, 'management', `${this.place}: ${text}`, { hint, definite: true })
  }
}

const startHint =
  'Is the plugin on (rabbitmq-plugins enable rabbitmq_management), and is this its port (15672, with TLS 15671)?'
const portHint =
  '5672 and 5671 are the ports of AMQP; the management plugin has 15672, with TLS 15671.'
const loginHint =
  'Check the login of ?management=, else that of the broker. The user needs a tag: rabbitmqctl set_user_tags USER monitoring'
