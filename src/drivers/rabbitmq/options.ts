import { type BrokerUrl, commonOptions, parseBrokerUrl, parseDurationMs } from '../../core/url.ts'
import { nearest } from '../_shared/nearest.ts'
import { type Address, checkWritten, decoded, serverPlaceOf } from '../_shared/serverPlace.ts'
import { type TlsFiles, tlsOf, tlsOptions } from '../_shared/tlsFiles.ts'
import { type ManagementTarget, managementOf } from './management/options.ts'
import { rabbitmqError } from './rabbitmqErrors.ts'

export interface RabbitmqOptions {
  /**
   * `amqp://user:password@host:port/vhost`, `amqps:` for TLS. Several hosts are nodes of one
   * cluster: one that answers is used. A password may also be in `password`, so that it need not
   * be in a URL.
   */
  readonly url: string
  readonly password?: string
}

/** What a URL says, taken apart. */
export interface RabbitmqTarget {
  readonly addresses: readonly Address[]
  readonly username: string
  readonly password: string
  readonly vhost: string
  /** Null: without TLS. */
  readonly tls: TlsFiles | null
  /** After two to three times that time of silence either side ends the connection. */
  readonly heartbeatS: number
  /** Null: only what AMQP tells is known. */
  readonly management: ManagementTarget | null
}

const known = ['heartbeat', 'management', ...tlsOptions] as const
const heartbeatSDefault = 10
const example =
  'Expected for example amqp://localhost or amqps://user:password@host:5671/vhost; the / of a vhost is written %2F.'

/** @throws INVALID_CONFIG */
export function targetOfOptions({ url, password }: RabbitmqOptions): RabbitmqTarget {
  if (typeof url !== 'string' || !/^amqps?:/i.test(url)) throw invalid('no URL', example)
  if (password !== undefined && typeof password !== 'string') {
    throw invalid(`password is a ${typeof password}; expected a string`)
  }
  const target = targetOf(parseBrokerUrl(url))
  return password === undefined ? target : { ...target, password }
}

/** @throws INVALID_CONFIG, naming what is wrong and the nearest option. */
export function targetOf({ scheme, rest, options }: BrokerUrl): RabbitmqTarget {
  checkWritten(rest, options, known, invalid)
  const unknown = [...options.keys()].find((name) => !(known as readonly string[]).includes(name))
  if (unknown !== undefined) {
    const all = [...known, ...commonOptions]
    const near = nearest(unknown, all)
    throw invalid(
      `URL option ${unknown} is not known${near ? `; did you mean ${near}?` : ''}`,
      `An amqp: URL takes ${all.join(', ')}.`,
    )
  }
  const isTls = scheme === 'amqps'
  const portDefault = isTls ? 5_671 : 5_672
  const { addresses, path, ...login } = serverPlaceOf(rest, { portDefault, example, invalid })
  return {
    addresses,
    // As every client of RabbitMQ: the login that it ships with, which is taken from localhost only.
    username: login.username ?? 'guest',
    password: login.password ?? (login.username === undefined ? 'guest' : ''),
    vhost: path ? decoded(path, 'the vhost of the URL', invalid) : '/',
    tls: tlsOf(options, { isTls, tlsScheme: 'amqps', invalid }),
    heartbeatS: heartbeatOf(options.get('heartbeat')),
    management: managementOf(options.get('management'), invalid),
  }
}

function heartbeatOf(text: string | undefined): number {
  if (text === undefined) return heartbeatSDefault
  const seconds = parseDurationMs('URL option heartbeat', text) / 1_000
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= 600) return seconds
  throw invalid(`URL option heartbeat is ${text}; expected 1s to 600s, whole seconds`)
}

export function invalid(text: string, hint?: string) {
  return rabbitmqError('INVALID_CONFIG', 'connect', text, hint === undefined ? {} : { hint })
}
